//! Keys of 32 bytes as text with a checksum (BIP 173, without its limit of 90 characters).

use zeroize::Zeroizing;

const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
/// Groups of five bits in 32 bytes, and in the checksum.
const GROUPS: usize = 52;
const CHECKSUM: usize = 6;

fn polymod(groups: impl Iterator<Item = u8>) -> u32 {
    groups.fold(1, |sum, group| {
        let top = sum >> 25;
        let next = ((sum & 0x01ff_ffff) << 5) ^ u32::from(group);
        let bits = GENERATOR.iter().enumerate();
        bits.filter(|(bit, _)| top >> bit & 1 == 1)
            .fold(next, |sum, (_, part)| sum ^ part)
    })
}

/// The prefix, as the checksum counts it.
fn expanded(prefix: &str) -> impl Iterator<Item = u8> + '_ {
    let high = prefix.bytes().map(|byte| byte >> 5);
    high.chain([0]).chain(prefix.bytes().map(|byte| byte & 31))
}

/// The key in a text of small letters with this prefix; `None` if it is none.
pub(super) fn decode(prefix: &str, text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let letters = text.strip_prefix(prefix)?.strip_prefix('1')?;
    let group = |letter: u8| u8::try_from(LETTERS.iter().position(|known| *known == letter)?).ok();
    let groups: Zeroizing<Vec<u8>> = Zeroizing::new(letters.bytes().map(group).collect::<Option<_>>()?);
    if groups.len() != GROUPS + CHECKSUM || polymod(expanded(prefix).chain(groups.iter().copied())) != 1 {
        return None;
    }
    let mut key = Zeroizing::new([0; 32]);
    let (mut bits, mut count, mut at) = (0_u32, 0, 0);
    for group in groups.iter().take(GROUPS) {
        bits = bits << 5 | u32::from(*group);
        count += 5;
        if count >= 8 {
            count -= 8;
            *key.get_mut(at)? = u8::try_from(bits >> count & 0xff).ok()?;
            at += 1;
        }
    }
    // 52 groups are 260 bits: four are left, and are zero.
    (bits.trailing_zeros() >= 4).then_some(key)
}

/// The text of a public key.
pub(super) fn encode(prefix: &str, key: &[u8; 32]) -> String {
    let (mut bits, mut count) = (0_u32, 0);
    let mut groups = Vec::with_capacity(GROUPS + CHECKSUM);
    let five = |bits: u32| u8::try_from(bits & 31).unwrap_or_default();
    for byte in key {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            groups.push(five(bits >> count));
        }
    }
    groups.push(five(bits << (5 - count)));
    let zeros = [0; CHECKSUM];
    let sum = polymod(expanded(prefix).chain(groups.iter().copied()).chain(zeros)) ^ 1;
    groups.extend((0..CHECKSUM).map(|at| five(sum >> (5 * (CHECKSUM - 1 - at)))));
    let letters = groups.iter().map(|group| char::from(LETTERS[usize::from(*group)]));
    format!("{prefix}1{}", letters.collect::<String>())
}
