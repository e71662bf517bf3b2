//! What an operator may set, and how the settings come together.
//!
//! ```text
//! Config::default()  <-  FILE (--config)  <-  MALPAN_... variables  <-  flags       later wins, key by key
//!   model.rs             layers.rs            layers.rs                 ../cli.rs
//!                            |
//!                     one key at a time: known? right type? parses?    keys.rs, text.rs
//!                            |
//!                     the whole: ranges, then rules between keys       rules.rs
//!                            |
//!                     Config, or a ConfigError with every Problem and where each value came from
//! ```
//!
//! Invariant: a [`Config`] that [`crate::cli::load`] or [`check_file`] accepted keeps every range and every rule
//! between keys, so the rest of the server does not check again. Each key is declared once, in `model.rs`: its field,
//! documentation, default, unit and range. The printed file, the messages and the table in `docs/operations.md` come
//! from that declaration or are tested against it.

mod address;
mod keys;
pub(crate) mod layers;
mod model;
mod network;
mod path;
mod print;
mod problem;
mod rules;
mod text;

pub use address::{AddressError, AddressOrOff};
pub use keys::{Allowed, Key, keys};
pub use layers::{CONFIG_VARIABLE, VARIABLE_PREFIX, check_file};
pub use model::{Config, GameConfig, LimitsConfig, LogConfig, LogFormat, TlsConfig};
pub use network::{Network, NetworkError};
pub use path::{PathError, PathOrOff};
pub use print::default_file;
pub use problem::{ConfigError, Problem, Setting, Source};
pub use rules::Violation;
