//! A terminal that remembers what it shows.

use indicatif::TermLike;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub(crate) struct Screen(Arc<Mutex<Shown>>);

#[derive(Debug, Default)]
struct Shown {
    rows: Vec<String>,
    row: usize,
    column: usize,
}

pub(crate) const WIDTH: usize = 120;

impl Shown {
    fn next_row(&mut self) {
        self.row += 1;
        self.column = 0;
    }

    fn put(&mut self, letter: char) {
        if self.rows.len() <= self.row {
            self.rows.resize(self.row + 1, String::new());
        }
        let row = &mut self.rows[self.row];
        let mut cells: Vec<_> = row.chars().collect();
        cells.resize(cells.len().max(self.column + 1), ' ');
        cells[self.column] = letter;
        *row = cells.into_iter().collect();
        self.column += 1;
    }
}

impl Screen {
    /// Returns the visible text, without empty rows and trailing blanks.
    pub(crate) fn lines(&self) -> Vec<String> {
        let shown = self.0.lock();
        let rows = shown.rows.iter().map(|row| row.trim_end().to_owned());
        rows.filter(|row| !row.is_empty()).collect()
    }

    /// The behaviour of terminals: a row that is full goes on in the next one when more is written.
    pub(crate) fn write(&self, text: &str) {
        let shown = &mut *self.0.lock();
        for letter in text.chars() {
            match letter {
                '\r' => shown.column = 0,
                '\n' => shown.next_row(),
                _ => {
                    if shown.column == WIDTH {
                        shown.next_row();
                    }
                    shown.put(letter);
                }
            }
        }
    }

    fn with(&self, act: impl FnOnce(&mut Shown)) -> io::Result<()> {
        act(&mut self.0.lock());
        Ok(())
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        WIDTH as u16
    }

    fn height(&self) -> u16 {
        50
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.with(|shown| shown.row = shown.row.saturating_sub(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.with(|shown| shown.row += n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.with(|shown| shown.column += n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.with(|shown| shown.column = shown.column.saturating_sub(n))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write(text);
        self.write("\n");
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.with(|shown| {
            if let Some(row) = shown.rows.get_mut(shown.row) {
                row.clear();
            }
            shown.column = 0;
        })
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
