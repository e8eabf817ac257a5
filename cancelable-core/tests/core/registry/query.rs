//! Queries: their text, their errors, and the filters that they become (R35, R40).

use crate::support::hand::Numbers;
use cancelable_core::cause::OperationId;
use cancelable_core::registry::{Filter, Query, QueryError, QueryErrorKind};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope, Status};
use std::num::NonZeroU64;
use std::time::Duration;

fn read(text: &str) -> Query {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn id(number: u64) -> OperationId {
    OperationId::from(NonZeroU64::new(number).expect("it is not zero"))
}

/// A query, written and read, is the same, and so is its text.
fn is_read_back(query: &Query) {
    let text = query.to_string();
    let again = text.parse::<Query>();
    assert_eq!(again.as_ref(), Ok(query), "{text:?}");
    assert_eq!(read(&text).to_string(), text);
}

#[test]
fn r35_a_query_is_read_from_its_text_and_written_back() {
    let text =
        "status:running name:import-* age>30s age<5m meta.tenant=blue parent:7 after:12 limit:100";
    let query = Query::new()
        .status(Status::Running)
        .name("import-*")
        .min_age(Duration::from_secs(30))
        .max_age(Duration::from_secs(300))
        .metadata("tenant", "blue")
        .parent(id(7))
        .after(id(12))
        .limit(100);
    assert_eq!(read(text), query);
    assert_eq!(query.to_string(), text);
    let shuffled = " limit:100\tafter:12 parent:7\n meta.tenant=blue age<300s age>30000ms name:import-* status:running ";
    assert_eq!(read(shuffled), query);
    assert_eq!(read(" \t "), Query::new());
    assert_eq!(Query::new().to_string(), "");
}

#[test]
fn r35_quoting_is_the_escape_of_patterns() {
    for (text, written, pattern) in [
        (r#"name:"a b*"*"#, r"name:a\ b\**", r"a b\**"),
        (r"name:a\ b", r"name:a\ b", "a b"),
        (r"name:\a\*", r"name:a\*", r"a\*"),
        (r#"name:"""#, r#"name:"""#, ""),
        (r#"name:\"?"#, r#"name:\"?"#, r#""?"#),
        (r"name:a\", r"name:a\\", r"a\\"),
        (r#"name:"a\"b""#, r#"name:a\"b"#, r#"a"b"#),
    ] {
        assert_eq!(read(text).to_string(), written, "{text}");
        assert_eq!(read(text), Query::new().name(pattern), "{text}");
    }
    for (text, key, value) in [
        ("meta.a=b=c", "a", Some("b=c")),
        (r"meta.a\=b=c", "a=b", Some("c")),
        (r#"meta."a b"="c d""#, "a b", Some("c d")),
        (r#"meta.""="""#, "", Some("")),
        ("meta.a", "a", None),
        ("meta.a=*", "a", Some("*")),
        (r"meta.a=\", "a", Some(r"\")),
    ] {
        let query = match value {
            Some(value) => Query::new().metadata(key, value),
            None => Query::new().has_metadata(key),
        };
        assert_eq!(read(text), query, "{text}");
        is_read_back(&query);
    }
}

#[test]
fn r35_times_are_exact() {
    let cases = [
        (Duration::ZERO, "0s"),
        (Duration::from_nanos(1), "1ns"),
        (Duration::from_millis(1500), "1500ms"),
        (Duration::from_secs(90), "90s"),
        (Duration::from_secs(7200), "2h"),
        (Duration::from_secs(86_400), "1d"),
        (Duration::MAX, "18446744073709551615999999999ns"),
    ];
    for (age, text) in cases {
        let query = Query::new().min_age(age).max_age(age);
        assert_eq!(query.to_string(), format!("age>{text} age<{text}"));
        is_read_back(&query);
    }
}

#[test]
fn r35_an_error_has_its_kind_and_position() {
    use QueryErrorKind::{Criterion, Repeated, TooLarge, Unclosed, Value};
    for (text, kind, position, expected) in [
        ("done", Criterion, 0, "status:, name:,"),
        ("limit:1 Status:running", Criterion, 8, "status:, name:,"),
        ("status:", Value, 7, "a status:"),
        ("status:done", Value, 7, "a status:"),
        ("name: x", Value, 5, "a name pattern"),
        ("ä name:x", Criterion, 0, "status:"),
        ("name:ä age>", Value, 12, "a time"),
        ("age>soon", Value, 4, "a time"),
        ("age>5", Value, 4, "a time"),
        ("age>-5s", Value, 4, "a time"),
        ("age>1.5s", Value, 4, "a time"),
        (
            "age<99999999999999999999d",
            TooLarge,
            4,
            "a time of at most",
        ),
        ("meta.", Value, 5, "a metadata key"),
        ("meta.=x", Value, 5, "a metadata key"),
        ("meta.a= ", Value, 7, "a metadata value"),
        ("parent:0", Value, 7, "the number of an operation"),
        ("parent:#7", Value, 7, "the number of an operation"),
        ("after:+7", Value, 6, "the number of an operation"),
        ("limit:x", Value, 6, "a number"),
        (
            "limit:99999999999999999999",
            TooLarge,
            6,
            "a smaller number",
        ),
        ("limit:1 limit:1", Repeated, 8, "another criterion"),
        ("name:a name:a", Repeated, 7, "another criterion"),
        (
            "limit:1 name:a\"b",
            Unclosed,
            14,
            "a closing quotation mark",
        ),
        ("name:\"\\", Unclosed, 5, "a closing quotation mark"),
    ] {
        let error: QueryError = text.parse::<Query>().expect_err(text);
        assert_eq!((error.kind(), error.position()), (kind, position), "{text}");
        assert!(error.expected().starts_with(expected), "{text}: {error}");
        assert!(error.to_string().contains(error.expected()));
    }
}

#[test]
fn r35_hostile_text_gives_a_query_or_an_error_and_never_a_panic() {
    let parts = [
        "status:",
        "running",
        "name:",
        "age>",
        "age<",
        "meta.",
        "=",
        "parent:",
        "after:",
        "limit:",
        "7",
        "30s",
        "0",
        " ",
        "\t",
        "\u{a0}",
        "\u{2003}",
        "\n",
        "\"",
        "\\",
        "*",
        "?",
        "é",
        "\u{202e}",
        "\0",
        "x",
        ":",
        "99999999999999999999",
        "d",
        ">",
        "status",
        "\u{1f600}",
    ];
    let mut numbers = Numbers::from_seed(35);
    let mut good = 0;
    for _ in 0..200_000 {
        let length = numbers.below(9);
        let text: String = (0..length)
            .map(|_| parts[numbers.below(parts.len())])
            .collect();
        match text.parse::<Query>() {
            Ok(query) => {
                good += 1;
                is_read_back(&query);
                let _ = Filter::from(query);
            }
            Err(error) => {
                assert!(error.position() <= text.len(), "{text:?}");
                assert!(text.is_char_boundary(error.position()), "{text:?}");
            }
        }
    }
    assert!(good > 1000, "{good}");
    // Every short text over the characters that mean something.
    let alphabet = ['"', '\\', '*', '=', ' ', 'a', 'é'];
    for prefix in ["name:", "meta.", "meta.k=", "status:", ""] {
        for code in 0..alphabet.len().pow(5) {
            let character =
                |place: u32| alphabet[code / alphabet.len().pow(place) % alphabet.len()];
            let text: String = prefix.chars().chain((0..5).map(character)).collect();
            if let Ok(query) = text.parse::<Query>() {
                is_read_back(&query);
            }
        }
    }
}

#[test]
fn r35_any_query_is_read_back() {
    let mut numbers = Numbers::from_seed(53);
    let alphabet = [
        'a', '*', '?', '\\', '"', ' ', '=', ':', '\n', '\u{2028}', 'ß', '.',
    ];
    for _ in 0..20_000 {
        let mut text = || -> String {
            let length = numbers.below(6);
            (0..length)
                .map(|_| alphabet[numbers.below(alphabet.len())])
                .collect()
        };
        let mut query = Query::new()
            .name(text())
            .metadata(text(), text())
            .has_metadata(text());
        let nanos = numbers.below(usize::MAX) as u64;
        query = query.min_age(Duration::from_nanos(nanos >> numbers.below(64)));
        if numbers.below(2) == 0 {
            query = query
                .status(Status::Failed)
                .status(Status::Pending)
                .status(Status::Failed);
        }
        is_read_back(&query);
    }
}

#[test]
fn r35_the_filter_of_a_query_selects_as_its_criteria_do() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let open = |name: &'static str, tenant: &'static str| {
        let builder = Scope::builder(name).runtime(&manual.handle());
        let builder = builder.metadata("tenant", tenant).register_in(&registry);
        builder.build().expect("it is sound")
    };
    let old = open("import of a", "blue");
    manual.advance(Duration::from_secs(60));
    let scopes = [
        open("import of b", "blue"),
        open("import-c", "red"),
        open("export", "blue"),
    ];
    let child = scopes[0].child("page").build().expect("it is sound");
    let found = |text: &str| -> Vec<String> {
        let list = registry.list(&Filter::from(read(text)));
        list.iter().map(|one| one.name().to_owned()).collect()
    };
    assert_eq!(found("").len(), 5);
    assert_eq!(
        found(r#"name:"import of "*"#),
        ["import of a", "import of b"]
    );
    assert_eq!(found("age>30s"), ["import of a"]);
    assert_eq!(found("age<30s meta.tenant=blue"), ["import of b", "export"]);
    assert_eq!(found("meta.tenant limit:1"), ["import of a"]);
    assert_eq!(found(&format!("parent:{}", scopes[0].id().get())), ["page"]);
    let after = scopes[1].id().get();
    assert_eq!(found(&format!("after:{after}")), ["export", "page"]);
    assert!(found("status:running").is_empty());
    assert_eq!(found("status:running status:pending").len(), 5);
    drop((old, child));
}

#[test]
fn r35_a_limit_is_lowered_and_never_raised() {
    assert_eq!(read("limit:7").at_most(100), Query::new().limit(7));
    assert_eq!(read("limit:700").at_most(100), Query::new().limit(100));
    assert_eq!(read("").at_most(100), Query::new().limit(100));
}

#[cfg(feature = "serde")]
#[test]
fn r40_a_query_is_serialised_as_its_text() {
    let query = read("status:failed name:a*");
    let json = serde_json::to_value(&query).expect("it is serialised");
    assert_eq!(json, "status:failed name:a*");
    assert_eq!(
        serde_json::from_value::<Query>(json).expect("it is read"),
        query
    );
    let error = serde_json::from_str::<Query>("\"age>soon\"").expect_err("it is no query");
    assert!(
        error.to_string().contains("at byte 4: expected a time"),
        "{error}"
    );
}
