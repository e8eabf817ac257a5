//! The keys and their commands.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::view::Mode;

/// The keys, for people.
pub(crate) const HELP: &str = "\
Keys:
  up, down, k, j     the operation above, below
  page up, page down a screen further
  home, end, g, G    the first, the last
  left, h            collapse it, or go to what it is a part of
  right, l, enter    expand it
  -, +               collapse all, expand all
  c                  cancel it
  C                  cancel all, or all that the filter lets through
  /                  show only names with this in them; * and ? stand for any
  esc                show all again
  ?                  this help
  q, ctrl-c          cancel all, wait for the end, and leave; twice: do not wait";

/// The command of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Up(usize),
    Down(usize),
    PageUp,
    PageDown,
    Collapse,
    Expand,
    CollapseAll,
    ExpandAll,
    Cancel,
    AskCancelAll,
    CancelAll,
    Filter,
    Type(char),
    Erase,
    ClearFilter,
    Browse,
    Help,
    Quit,
    Nothing,
}

/// Returns the command of `key` in this mode.
pub(crate) fn action(mode: Mode, key: KeyEvent) -> Action {
    if key.kind == KeyEventKind::Release {
        return Action::Nothing;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Action::Quit,
            _ => Action::Nothing,
        };
    }
    match mode {
        Mode::Browse => browse(key.code),
        Mode::Filter => match key.code {
            KeyCode::Enter => Action::Browse,
            KeyCode::Esc => Action::ClearFilter,
            KeyCode::Backspace => Action::Erase,
            KeyCode::Char(character) => Action::Type(character),
            _ => Action::Nothing,
        },
        Mode::Confirm => match key.code {
            KeyCode::Char('y' | 'Y') => Action::CancelAll,
            _ => Action::Browse,
        },
        Mode::Help => Action::Browse,
    }
}

fn browse(code: KeyCode) -> Action {
    match code {
        KeyCode::Up | KeyCode::Char('k') => Action::Up(1),
        KeyCode::Down | KeyCode::Char('j') => Action::Down(1),
        KeyCode::PageUp => Action::PageUp,
        KeyCode::PageDown => Action::PageDown,
        KeyCode::Home | KeyCode::Char('g') => Action::Up(usize::MAX),
        KeyCode::End | KeyCode::Char('G') => Action::Down(usize::MAX),
        KeyCode::Left | KeyCode::Char('h') => Action::Collapse,
        KeyCode::Right | KeyCode::Enter | KeyCode::Char('l') => Action::Expand,
        KeyCode::Char('-') => Action::CollapseAll,
        KeyCode::Char('+') => Action::ExpandAll,
        KeyCode::Char('c') => Action::Cancel,
        KeyCode::Char('C') => Action::AskCancelAll,
        KeyCode::Char('/') => Action::Filter,
        KeyCode::Esc => Action::ClearFilter,
        KeyCode::Char('?') => Action::Help,
        KeyCode::Char('q') => Action::Quit,
        _ => Action::Nothing,
    }
}
