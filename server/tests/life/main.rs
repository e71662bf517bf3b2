//! A connection's whole life, as the real server lives through it: a process of its own, real sockets, and thousands of
//! clients without manners in another process, which is this one. What it holds is read from outside, in `/proc` and from
//! `/metrics`.
//!
//! `cargo test -p malpan-server --test life` runs storms of a thousand; those of ten thousand are ignored, because they
//! take a while: `cargo test --release -p malpan-server --test life -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(target_os = "linux")]

mod crowd;
mod descriptors;
mod goodbyes;
mod half_open;
mod playing;
mod process;
mod refusals;
mod resets;
#[path = "../running/mod.rs"]
mod running;
mod stopping;
mod storms;
mod strangers;
mod watched;
