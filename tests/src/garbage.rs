//! Bytes that no client of good will sends, the same each time.

/// A TLS record that holds a ClientHello of so many bytes: five more in all.
///
/// # Panics
/// Where that is less than a ClientHello begins with.
#[must_use]
pub fn tls_greeting(bytes: u16) -> Vec<u8> {
    let [high, low] = bytes.to_be_bytes();
    let [inner_high, inner_low] = (bytes - 4).to_be_bytes();
    let header = [0x16, 3, 1, high, low, 1, 0, inner_high, inner_low, 3, 3];
    [&header[..], &noise(7, usize::from(bytes) - 6)].concat()
}

/// So many bytes of anything: the same for the same seed.
#[must_use]
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    xorshift(seed).map(|word| word[3]).take(bytes).collect()
}

/// Words of anything without an end: the same for the same seed, everywhere and for ever.
pub(crate) fn xorshift(seed: u64) -> impl Iterator<Item = [u8; 8]> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
}
