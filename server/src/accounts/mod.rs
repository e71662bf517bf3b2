//! Who is who: names, passwords, and who has to wait. Knows no socket and no board.
//!
//! ```text
//! Guest    -> register.rs: is the name free here? -> store: is it no account's? -> numbers.rs: a number
//! Register -> delays.rs: may this address? -> register.rs -> pool.rs: hash -> store: make the account
//! Login    -> delays.rs: may this address, now? -> store -> pool.rs: verify -> register.rs, or who is in the way
//! ```
//!
//! A name is taken here first and looked up in the store then, and an account is made only by who has its name here: so no
//! guest has a name that is registered at the same moment.

mod address;
mod delays;
mod mark;
mod numbers;
mod password;
mod policy;
mod pool;
mod register;
mod sign_in;

pub(crate) use address::Origin;
pub(crate) use mark::SecretMark;
pub(crate) use password::{Cost, Workspace, hash, is_hash};
pub(crate) use policy::Policy;
pub(crate) use pool::Pool;
pub(crate) use register::{Identity, Occupied};
pub(crate) use sign_in::{Accounts, Changes, Refused};
