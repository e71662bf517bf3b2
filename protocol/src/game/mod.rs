//! What the games that come with Malpan say: the types that stand, encoded, in a packet's command, updates, refusal and
//! state. Rules are not here. A game of your own has such types in a crate that its server and its client share.

pub mod board;
pub mod five;
