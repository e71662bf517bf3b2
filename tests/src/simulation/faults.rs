//! What befalls the network, as the seed has it.

use super::{network::Network, pipe::Fate, stream::LinkState, world::World};
use rand::{RngExt as _, rngs::StdRng};
use std::io;

/// Holds, cuts, resets, repairs, or nothing.
pub(super) fn strike(rng: &mut StdRng, network: &Network, world: &World) {
    match rng.random_range(0..100) {
        // No file descriptor left, as often as not several times in a row; or a peer's own fault.
        0..4 => {
            for _ in 0..rng.random_range(1..8) {
                network.fail_to_accept(io::Error::from_raw_os_error(24));
            }
            return world.count("fault: no descriptors");
        }
        4..7 => {
            network.fail_to_accept(io::ErrorKind::ConnectionAborted.into());
            return world.count("fault: a connection aborted");
        }
        7..45 => {}
        _ => return,
    }
    let links = network.open_links();
    if links.is_empty() {
        return;
    }
    let link = &links[rng.random_range(0..links.len())];
    world.line(|| format!("a fault befalls {}", link.peer));
    match rng.random_range(0..10) {
        0..3 => {
            link.befall(Fate::Held);
            world.count("fault: held");
        }
        3 => {
            let mut state = link.state();
            state.disturbed = true;
            let held = if rng.random() { &mut state.up } else { &mut state.down };
            held.set(Fate::Held);
            world.count("fault: held one way");
        }
        4..8 => {
            let repaired = links.iter().filter(|_| rng.random()).filter(|link| mend(&mut link.state())).count();
            if repaired > 0 {
                world.count("fault: repaired");
            }
        }
        8 => {
            link.befall(if rng.random() { Fate::Cut } else { Fate::Vanishes });
            world.count("fault: cut");
        }
        _ => {
            link.befall(Fate::Reset);
            world.count("fault: reset");
        }
    }
}

/// Whether anything was held.
fn mend(state: &mut LinkState) -> bool {
    let mut mended = false;
    for pipe in [&mut state.up, &mut state.down] {
        if pipe.fate == Fate::Held {
            pipe.set(Fate::Carries);
            mended = true;
        }
    }
    mended
}
