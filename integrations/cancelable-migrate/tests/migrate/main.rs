//! The migration of small projects.

mod command;
mod fixture;
mod imports;
mod manifests;
mod paths;
