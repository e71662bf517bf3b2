//! The Malpan game server.

pub mod cli;
pub mod config;
pub mod files;
pub mod logging;
pub mod signals;
