//! Checks whether the numbers of an RSA private key are consistent. It tests the same as Go's `checkPrivateKey` (Go
//! 1.26, `crypto/internal/fips140/rsa`) and `openssl pkey -check`, except that the primes are prime.
//!
//! The arithmetic is done by hand: loading a key with aws-lc takes 200 µs, because it performs an operation with the
//! key, while these few products take some ten.

use zeroize::Zeroizing;

/// The numbers of an `RSAPrivateKey` (RFC 8017, appendix A.1.2) in order, without leading zeros.
pub(super) struct Numbers<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) exponent: &'a [u8],
    pub(super) private: &'a [u8],
    pub(super) primes: [&'a [u8]; 2],
    pub(super) exponents: [&'a [u8]; 2],
    pub(super) coefficient: &'a [u8],
    /// The third prime and any further ones, which hardly any key has.
    pub(super) others: Vec<Other<'a>>,
}

/// An `OtherPrimeInfo` (the same appendix): a prime, its exponent, and its coefficient.
pub(super) struct Other<'a> {
    pub(super) prime: &'a [u8],
    pub(super) exponent: &'a [u8],
    pub(super) coefficient: &'a [u8],
}

/// Whether the numbers belong to one key.
pub(super) fn belong_together(numbers: &Numbers<'_>) -> bool {
    let [p, q] = numbers.primes.map(Natural::of);
    let exponent = Natural::of(numbers.exponent);
    if p.is_below_two() || q.is_below_two() || exponent.is_below_two() {
        return false;
    }
    // d·e ≡ 1 and dP·e ≡ 1 mod p-1, which implies dP ≡ d.
    let one_of_private = Natural::of(numbers.private).times(&exponent);
    let inverts = |prime: &Natural, of_prime: &[u8]| {
        let order = prime.less_one();
        one_of_private.modulo(&order).is_one() && Natural::of(of_prime).times(&exponent).modulo(&order).is_one()
    };
    let mut product = p.times(&q);
    let is_inverse = || Natural::of(numbers.coefficient).times(&q).modulo(&p).is_one();
    if !(inverts(&p, numbers.exponents[0]) && inverts(&q, numbers.exponents[1]) && is_inverse()) {
        return false;
    }
    for other in &numbers.others {
        let prime = Natural::of(other.prime);
        if prime.is_below_two()
            || !inverts(&prime, other.exponent)
            || !Natural::of(other.coefficient).times(&product).modulo(&prime).is_one()
        {
            return false;
        }
        product = product.times(&prime);
    }
    product == Natural::of(numbers.modulus)
}

/// A natural number as limbs, the least significant first, without leading zero limbs. It is overwritten when dropped.
#[derive(PartialEq, Eq)]
struct Natural(Zeroizing<Vec<u32>>);

impl Natural {
    fn of(bytes: &[u8]) -> Self {
        let mut limbs = Zeroizing::new(Vec::with_capacity(bytes.len() / 4 + 1));
        for chunk in bytes.rchunks(4) {
            limbs.push(chunk.iter().fold(0u32, |limb, byte| (limb << 8) | u32::from(*byte)));
        }
        Self::trimmed(limbs)
    }

    fn trimmed(mut limbs: Zeroizing<Vec<u32>>) -> Self {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Self(limbs)
    }

    fn is_one(&self) -> bool {
        self.0.as_slice() == [1]
    }

    fn is_below_two(&self) -> bool {
        matches!(self.0.as_slice(), [] | [1])
    }

    /// The number minus one; zero for zero.
    fn less_one(&self) -> Self {
        let mut limbs = Zeroizing::new(self.0.to_vec());
        for limb in limbs.iter_mut() {
            let (less, borrowed) = limb.overflowing_sub(1);
            *limb = less;
            if !borrowed {
                return Self::trimmed(limbs);
            }
        }
        Self(Zeroizing::new(Vec::new()))
    }

    fn times(&self, other: &Self) -> Self {
        let mut limbs = Zeroizing::new(vec![0u32; self.0.len() + other.0.len()]);
        for (at, a) in self.0.iter().enumerate() {
            let mut carry = 0u64;
            let (product, above) = limbs[at..].split_at_mut(other.0.len());
            for (limb, b) in product.iter_mut().zip(other.0.iter()) {
                let sum = u64::from(*limb) + u64::from(*a) * u64::from(*b) + carry;
                *limb = low(sum);
                carry = sum >> 32;
            }
            if let Some(limb) = above.first_mut() {
                *limb = low(carry);
            }
        }
        Self::trimmed(limbs)
    }

    /// The remainder of a division by `divisor`; zero if the divisor is zero. This is Knuth's algorithm D (The Art of
    /// Computer Programming, volume 2, section 4.3.1), which keeps only the remainder.
    fn modulo(&self, divisor: &Self) -> Self {
        let Some(&top) = divisor.0.last() else {
            return Self(Zeroizing::new(Vec::new()));
        };
        let count = divisor.0.len();
        // Shift both numbers until the highest bit of the divisor is set.
        let shift = top.leading_zeros();
        let (divisor, mut rest) = (shifted(&divisor.0, shift), shifted(&self.0, shift));
        let divisor = &divisor[..count];
        let high = u64::from(divisor[count - 1]);
        let second = if count > 1 { u64::from(divisor[count - 2]) } else { 0 };
        for at in (0..rest.len().saturating_sub(count)).rev() {
            let window = &mut rest[at..=at + count];
            let head = (u64::from(window[count]) << 32) | u64::from(window[count - 1]);
            let next = if count > 1 { u64::from(window[count - 2]) } else { 0 };
            let (mut digit, mut left) = (head / high, head % high);
            while digit >> 32 != 0 || digit * second > ((left << 32) | next) {
                digit -= 1;
                left += high;
                if left >> 32 != 0 {
                    break;
                }
            }
            if subtract(window, divisor, digit) {
                add(window, divisor);
            }
        }
        rest.truncate(count);
        let mut limbs = rest;
        if shift > 0 {
            let mut above = 0;
            for limb in limbs.iter_mut().rev() {
                let whole = *limb;
                *limb = (whole >> shift) | above;
                above = whole << (32 - shift);
            }
        }
        Self::trimmed(limbs)
    }
}

/// The lower half of a double limb.
#[allow(clippy::cast_possible_truncation)] // Truncation is the purpose.
fn low(wide: u64) -> u32 {
    wide as u32
}

/// The limbs shifted up by less than 32 bits, with one more limb on top.
fn shifted(limbs: &[u32], by: u32) -> Zeroizing<Vec<u32>> {
    let mut all = Zeroizing::new(Vec::with_capacity(limbs.len() + 1));
    let mut carry = 0;
    for limb in limbs {
        let wide = (u64::from(*limb) << by) | carry;
        all.push(low(wide));
        carry = wide >> 32;
    }
    all.push(low(carry));
    all
}

/// Subtracts `digit` times the divisor from the window, which is one limb longer. Returns whether that was too much.
fn subtract(window: &mut [u32], divisor: &[u32], digit: u64) -> bool {
    let mut borrow = 0u64;
    for (limb, of_divisor) in window.iter_mut().zip(divisor.iter().chain([&0])) {
        let product = digit * u64::from(*of_divisor) + borrow;
        let (less, borrowed) = limb.overflowing_sub(low(product));
        *limb = less;
        borrow = (product >> 32) + u64::from(borrowed);
    }
    borrow != 0
}

/// Adds the divisor back to the window.
fn add(window: &mut [u32], divisor: &[u32]) {
    let mut carry = 0u64;
    for (limb, of_divisor) in window.iter_mut().zip(divisor.iter().chain([&0])) {
        let sum = u64::from(*limb) + u64::from(*of_divisor) + carry;
        *limb = low(sum);
        carry = sum >> 32;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn natural(value: u128) -> Natural {
        Natural::of(&value.to_be_bytes())
    }

    proptest! {
        #[test]
        fn products_and_rests_are_those_of_arithmetic(a: u64, b: u64, c: u128) {
            let product = natural(a.into()).times(&natural(b.into()));
            prop_assert!(product == natural(u128::from(a) * u128::from(b)));
            for divisor in [u128::from(a), u128::from(b), u128::from(a >> 40), c >> 3, 1 << 64, (1 << 96) - 1] {
                let rest = c.checked_rem(divisor).unwrap_or(0);
                prop_assert!(natural(c).modulo(&natural(divisor)) == natural(rest), "{c} mod {divisor}");
            }
            prop_assert!(natural(c).less_one() == natural(c.saturating_sub(1)));
        }

        #[test]
        fn a_sum_of_products_comes_back(q: Vec<u8>, m in prop::collection::vec(any::<u8>(), 1..80), r: u32) {
            // A number q·m + r, made of a product and a small remainder, has the remainder r if r is less than m.
            let m = [&[1, 0, 0, 0, 0][..], &m].concat();
            let mut limbs = Natural::of(&q).times(&Natural::of(&m)).0;
            limbs.push(0);
            let mut carry = u64::from(r);
            for limb in limbs.iter_mut() {
                let sum = u64::from(*limb) + carry;
                *limb = low(sum);
                carry = sum >> 32;
            }
            let all = Natural::trimmed(limbs);
            prop_assert!(all.modulo(&Natural::of(&m)) == natural(r.into()));
        }
    }

    #[test]
    fn the_rare_step_of_the_division_is_taken() {
        // The estimated digit is one too large, so that the divisor is added back.
        let dividend = Natural(Zeroizing::new(vec![3, 0, 0x8000_0000]));
        let divisor = Natural(Zeroizing::new(vec![1, 0, 0x2000_0000]));
        assert!(dividend.modulo(&divisor) == Natural(Zeroizing::new(vec![0, 0, 0x2000_0000])));
    }
}
