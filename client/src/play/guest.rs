//! Names for guests who brought none.

use malpan_client::protocol::Name;
use rand::{Rng, RngExt, seq::IndexedRandom};

const MANNERS: [&str; 16] = [
    "Brave", "Brisk", "Calm", "Clever", "Curious", "Gentle", "Happy", "Jolly", "Keen", "Lucky", "Merry", "Quick",
    "Quiet", "Sunny", "Swift", "Witty",
];
const ANIMALS: [&str; 16] = [
    "Badger", "Crane", "Deer", "Falcon", "Fox", "Hare", "Heron", "Magpie", "Otter", "Owl", "Panda", "Rabbit", "Seal",
    "Tiger", "Wolf", "Wren",
];

/// A friendly name such as `BriskOtter42`: one of 23,040, so that two guests rarely meet under the same.
pub(crate) fn generate_name(rng: &mut impl Rng) -> Name {
    let manner = MANNERS.choose(rng).expect("there are manners");
    let animal = ANIMALS.choose(rng).expect("there are animals");
    let number = rng.random_range(10..100);
    Name::new(&format!("{manner}{animal}{number}")).expect("the longest of these has 15 letters and digits")
}

#[cfg(test)]
mod tests {
    use super::{ANIMALS, MANNERS, generate_name};
    use malpan_client::protocol::Name;
    use rand::{SeedableRng, rngs::SmallRng};

    #[test]
    fn every_name_is_one_a_server_takes() {
        for manner in MANNERS {
            for animal in ANIMALS {
                Name::new(&format!("{manner}{animal}99")).unwrap();
            }
        }
    }

    #[test]
    fn names_differ() {
        let mut rng = SmallRng::seed_from_u64(1);
        assert_ne!(generate_name(&mut rng), generate_name(&mut rng));
    }
}
