//! Draws the view on a frame of any terminal.

use cancelable_core::Status;
use cancelable_core::cause::escaped;
use cancelable_core::operation::OperationSnapshot;
use indicatif::HumanCount;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Row as TableRow, Table};

use crate::columns::{columns, fit};
use crate::keys::HELP;
use crate::row::Row;
use crate::view::{HISTORY, Mode, View};
use crate::words;

/// Draws the view, and notes the number of rows with room.
pub(crate) fn draw(frame: &mut Frame<'_>, view: &mut View) {
    let [head, tree, history, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(3),
        Constraint::Length(HISTORY as u16 + 1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let width = usize::from(frame.area().width);
    frame.render_widget(Paragraph::new(header(view, width)), head);
    draw_tree(frame, tree, view);
    draw_history(frame, history, view);
    let foot_line = fit(&footer(view), width);
    frame.render_widget(Paragraph::new(foot_line).style(Modifier::REVERSED), foot);
    if view.mode == Mode::Help {
        draw_help(frame);
    }
}

fn header(view: &View, width: usize) -> Vec<Line<'static>> {
    let told: u64 = view.told.values().sum();
    let events = format!(
        "{}; {} events, {} missed",
        words::durations(&view.statistics),
        HumanCount(told),
        HumanCount(view.missed())
    );
    vec![
        Line::styled(
            fit(&words::statistics(&view.statistics), width),
            Modifier::BOLD,
        ),
        Line::raw(fit(&events, width)),
    ]
}

fn draw_tree(frame: &mut Frame<'_>, area: Rect, view: &mut View) {
    view.room = usize::from(area.height).saturating_sub(1).max(1);
    // Keeps the selected row on the screen.
    view.top = view.top.min(view.selected);
    view.top = view.top.max((view.selected + 1).saturating_sub(view.room));
    // Leaves no room unused after the last row.
    view.top = view.top.min(view.rows.len().saturating_sub(view.room));
    let columns = columns(usize::from(area.width));
    let shown = view.rows.iter().enumerate().skip(view.top).take(view.room);
    let rows = shown.map(|(place, row)| {
        let style = match place == view.selected {
            true => colour(row).add_modifier(Modifier::REVERSED),
            false => colour(row),
        };
        TableRow::new(columns.iter().map(|column| column.cell(row))).style(style)
    });
    let head = TableRow::new(columns.iter().map(|column| column.head()));
    let widths = columns
        .iter()
        .map(|column| Constraint::Length(u16::try_from(column.width).unwrap_or(u16::MAX)));
    let table = Table::new(rows, widths).header(head.style(Modifier::UNDERLINED));
    frame.render_widget(table, area);
}

fn colour(row: &Row) -> Style {
    match (row.status, &row.cause) {
        (_, Some(_)) => Color::Yellow.into(),
        (Status::Pending, None) => Color::DarkGray.into(),
        _ => Style::new(),
    }
}

fn draw_history(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let mut lines = vec![Line::styled("ended last", Modifier::UNDERLINED)];
    lines.extend(view.history.iter().map(|ended| {
        let colour = match ended.status() {
            Status::Completed => Color::Green,
            Status::Failed => Color::Red,
            _ => Color::Yellow,
        };
        let words = ended_in_words(ended);
        Line::styled(fit(&words, usize::from(area.width)), colour)
    }));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Formats an operation that has ended, with its cause.
pub(crate) fn ended_in_words(ended: &OperationSnapshot) -> String {
    let took = ended.elapsed().map(words::span).unwrap_or_default();
    let mut text = format!("{} {} after {took}", ended.label(), ended.status());
    if let Some(error) = ended.error() {
        text += &format!(": {}", escaped(error));
    } else if let Some(cause) = ended.cause() {
        text += &format!(": {}", words::cause(cause));
    }
    text
}

fn footer(view: &View) -> String {
    let shown = match view.pattern() {
        Some(pattern) => format!("[{pattern}] "),
        None => String::new(),
    };
    match view.mode {
        Mode::Filter => format!("names with: {}_", view.filter),
        Mode::Confirm => format!("{shown}cancel all of these? y/n"),
        Mode::Browse | Mode::Help if view.is_quitting => {
            format!(
                "waiting for {} operations to end; q does not wait",
                view.statistics.open()
            )
        }
        Mode::Browse | Mode::Help if !view.message.is_empty() => format!("{shown}{}", view.message),
        Mode::Browse | Mode::Help => {
            format!("{shown}c cancel  C cancel all  / filter  -+ tree  ? help  q quit")
        }
    }
}

fn draw_help(frame: &mut Frame<'_>) {
    let (width, height) = HELP.lines().fold((0, 2), |(width, height), line| {
        (width.max(line.chars().count() as u16 + 2), height + 1)
    });
    let area = frame.area();
    let area = area.centered(Constraint::Length(width), Constraint::Length(height));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(HELP).block(Block::bordered()), area);
}
