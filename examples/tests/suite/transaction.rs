//! A program that is stopped and killed never leaves its database half-written.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rusqlite::{Connection, OpenFlags};

use crate::kit::{Ended, Tree, bin};

/// The number of stops from inside, and the number of kills.
const STOPPED: usize = 900;
const KILLED: usize = 100;

/// The number of entries of the ledger, after all has been found right: with SQLite alone, and not
/// by the program's word.
fn audit(tree: &Tree) -> i64 {
    // To write, so that it does what has to be done after a crash.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let books = Connection::open_with_flags(tree.path("books.db"), flags).unwrap();
    let verdict: String = books
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    let number = |sql: &str| -> i64 { books.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(number("SELECT SUM(balance) FROM account"), 10_000);
    let changed = "SELECT COUNT(*) FROM account WHERE balance != 1000
        - (SELECT TOTAL(amount) FROM ledger WHERE payer = account.id)
        + (SELECT TOTAL(amount) FROM ledger WHERE payee = account.id)";
    assert_eq!(number(changed), 0);
    number("SELECT COUNT(*) FROM ledger")
}

#[test]
fn transfers_are_committed_one_by_one_and_the_books_balance() {
    let tree = Tree::new();
    let lines = Ended::of(tree.command(bin!("transaction"), &["books.db", "5"]))
        .assert_code(0)
        .lines();
    assert_eq!(lines[0], "transfer 0: committed");
    assert_eq!(lines[5], "5 committed, 0 undone, the books balance");
    assert_eq!(audit(&tree), 5);
}

#[test]
fn r22_r24_transfers_that_are_stopped_at_any_point_are_done_or_undone_and_never_half() {
    let tree = Tree::new();
    let (count, seed) = (STOPPED.to_string(), "7");
    let args = ["books.db", &count, "--torment", seed];
    let lines = Ended::of(tree.command(bin!("transaction"), &args))
        .assert_code(0)
        .lines();
    assert_eq!(lines.len(), STOPPED + 1);
    let with = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    let committed = with(": committed");
    assert_eq!(audit(&tree), i64::try_from(committed).unwrap());
    // Chance decides which, and each is there by the hundred.
    assert!(committed > 0, "{lines:?}");
    assert!(with("the tormentor came") > 0, "{lines:?}");
    assert!(with("dropped half-way") > 0, "{lines:?}");
}

#[test]
fn a_program_that_is_killed_at_any_time_leaves_a_database_that_is_whole() {
    let tree = Tree::new();
    let mut announced = 0;
    for round in 0..KILLED {
        let mut program = tree
            .command(bin!("transaction"), &["books.db", "1000000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        // After another number of lines each time, and at whatever it has come to by then.
        for _ in 0..round % 8 {
            assert!(lines.next().unwrap().unwrap().ends_with(": committed"));
            announced += 1;
        }
        program.kill().unwrap();
        program.wait().unwrap();
        announced += lines
            .map_while(Result::ok)
            .filter(|line| line.ends_with(": committed"))
            .count();
        if !tree.path("books.db").exists() || announced == 0 {
            // It may have been killed before it had made its tables.
            continue;
        }
        let entries = usize::try_from(audit(&tree)).unwrap();
        assert!(entries >= announced, "{entries} of {announced} are there");
    }
    assert!(announced > KILLED, "{announced}");
}
