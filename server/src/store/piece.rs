//! Much in pieces, each of which is answered in time: on its way and behind it, others wait no longer than for one.

/// How large a piece is at most. What is larger by itself is a piece alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its bytes, as far as they matter.
    pub bytes: usize,
    /// How many there are in it.
    pub count: usize,
}

impl Piece {
    /// Everything is one piece.
    pub const ALL: Self = Self { bytes: usize::MAX, count: usize::MAX };

    /// Cuts `items` into pieces, in their order; `bytes` says how large one is.
    pub fn cut<T>(
        self,
        items: impl IntoIterator<Item = T>,
        bytes: impl Fn(&T) -> usize,
    ) -> impl Iterator<Item = Vec<T>> {
        let mut items = items.into_iter().peekable();
        std::iter::from_fn(move || {
            let first = items.next()?;
            let mut size = bytes(&first);
            let mut piece = vec![first];
            while piece.len() < self.count
                && let Some(next) = items.next_if(|next| size.saturating_add(bytes(next)) <= self.bytes)
            {
                size = size.saturating_add(bytes(&next));
                piece.push(next);
            }
            Some(piece)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Piece;

    fn cut(piece: Piece, sizes: &[usize]) -> Vec<Vec<usize>> {
        piece.cut(sizes.iter().copied(), |size| *size).collect()
    }

    #[test]
    fn a_piece_has_so_many_bytes_and_items_at_most_and_what_is_larger_is_one_alone() {
        let piece = Piece { bytes: 10, count: 3 };
        assert_eq!(cut(piece, &[]), Vec::<Vec<usize>>::new());
        assert_eq!(
            cut(piece, &[4, 6, 1, 11, 0, 10, 0, 0, 0]),
            [vec![4, 6], vec![1], vec![11], vec![0, 10, 0], vec![0, 0]]
        );
        assert_eq!(cut(piece, &[usize::MAX, usize::MAX]), [[usize::MAX], [usize::MAX]]);
        assert_eq!(cut(Piece::ALL, &[usize::MAX, 1, 2]), [[usize::MAX, 1, 2]]);
    }
}
