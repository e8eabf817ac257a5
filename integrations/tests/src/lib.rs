//! Tests of the server crates with other servers, crowds of clients, and foreign clients: see `tests/web`.
