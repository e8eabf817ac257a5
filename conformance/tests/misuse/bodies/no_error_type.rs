//! A body whose error has no type. It is not passed to `try_run`, because the compiler would then write the path of
//! this file, and underline it: the text would depend on where the project lies.

use cancelable_core::Scope;

fn main() {
    let body = async |op: Scope| {
        op.check()?;
        Ok(3)
    };
    drop(body);
}
