//! Short byte strings stored in place. Every certificate has a serial number and a path, and an allocation for each
//! would cost more.

use std::ops::Deref;

/// Bytes that nearly always number 22 at most, and then need no allocation.
#[derive(Clone)]
pub struct Octets(Repr);

#[derive(Clone)]
enum Repr {
    Few(u8, [u8; FEW]),
    Many(Box<[u8]>),
}

/// How many bytes fit into the space of a vector.
const FEW: usize = 22;

impl From<&[u8]> for Octets {
    fn from(bytes: &[u8]) -> Self {
        let mut few = [0; FEW];
        match (few.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(bytes);
                Self(Repr::Few(length, few))
            }
            _ => Self(Repr::Many(bytes.into())),
        }
    }
}

impl From<Vec<u8>> for Octets {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl FromIterator<u8> for Octets {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let (mut few, mut length) = ([0; FEW], 0);
        let mut bytes = bytes.into_iter();
        while let Some(byte) = bytes.next() {
            let Some(place) = few.get_mut(length) else {
                return few.into_iter().chain([byte]).chain(bytes).collect::<Vec<u8>>().into();
            };
            *place = byte;
            length += 1;
        }
        Self::from(&few[..length])
    }
}

impl Deref for Octets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Few(length, bytes) => &bytes[..usize::from(*length)],
            Repr::Many(bytes) => bytes,
        }
    }
}

impl PartialEq for Octets {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Octets {}

impl std::fmt::Debug for Octets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_bytes_comes_back_and_few_take_no_more_than_a_vector() {
        for count in [0u8, 1, 21, 22, 23, 24, 200] {
            let bytes: Vec<u8> = (0..count).collect();
            assert_eq!(*Octets::from(bytes.clone()), *bytes, "{count}");
            assert_eq!((0..count).collect::<Octets>(), Octets::from(bytes), "{count}");
        }
        assert_eq!(size_of::<Option<Octets>>(), size_of::<Vec<u8>>());
    }
}
