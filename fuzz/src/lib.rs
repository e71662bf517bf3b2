//! What the targets of decoders share.

use allocation_counter::measure;
use malpan_e2e::fuzzing::memory_for;

/// Runs a decoder's target, which may not take more memory than its input accounts for.
pub fn within_memory(data: &[u8], target: fn(&[u8])) {
    let used = measure(|| target(data)).bytes_max;
    assert!(used <= memory_for(data), "{used} bytes for an input of {}", data.len());
}
