//! Products of tensors that sum over axes.

use crate::shape::axis::{Axes, Axis, Origin};

/// Matrices in the last two axes; those before are broadcast.
pub(super) fn matmul(a: &Axes, b: &Axes, turned_a: bool, turned_b: bool) -> Option<Axes> {
    let (before_a, [mut rows, mut inner]) = a.split_last_chunk::<2>().map(|(before, last)| (before, *last))?;
    let (before_b, [mut other, mut columns]) = b.split_last_chunk::<2>().map(|(before, last)| (before, *last))?;
    if turned_a {
        std::mem::swap(&mut rows, &mut inner);
    }
    if turned_b {
        std::mem::swap(&mut other, &mut columns);
    }
    if matches!((inner.size, other.size), (Some(a), Some(b)) if a != b) {
        return None;
    }
    let (longer, shorter) = if before_a.len() >= before_b.len() { (before_a, before_b) } else { (before_b, before_a) };
    let (ahead, aligned) = longer.split_at(longer.len() - shorter.len());
    let mut output = ahead.to_vec();
    for (long, short) in aligned.iter().zip(shorter) {
        output.push(long.resized(match (long.size, short.size) {
            (Some(1), other) | (other, Some(1)) => other,
            (Some(a), Some(b)) if a != b => return None,
            (a, b) => a.or(b),
        }));
    }
    // Rows are those of the first; what the columns are, the second tells.
    Some([output.as_slice(), &[rows, columns]].concat())
}

/// As the equation says, such as `abc,acd->abd`.
pub(super) fn einsum(equation: &str, inputs: &[Axes]) -> Option<Axes> {
    let equation = equation.replace(' ', "");
    let (operands, output) = equation.split_once("->")?;
    let mut known: Vec<(char, Axis)> = Vec::new();
    let operands: Vec<&str> = operands.split(',').collect();
    if operands.len() != inputs.len() {
        return None;
    }
    for (letters, axes) in operands.into_iter().zip(inputs) {
        if letters.chars().count() != axes.len() || !letters.chars().all(|letter| letter.is_ascii_alphabetic()) {
            return None;
        }
        for (letter, &axis) in letters.chars().zip(axes) {
            match known.iter_mut().find(|(other, _)| *other == letter) {
                None => known.push((letter, axis)),
                Some((_, found)) => match (found.size, axis.size) {
                    (Some(a), Some(b)) if a != b => return None,
                    (size, other) => {
                        // An axis of two tensors is what it is in the first; which of them tells is not said.
                        *found = Axis { size: size.or(other), origin: joined(found.origin, axis.origin) };
                    }
                },
            }
        }
    }
    let found = |letter| known.iter().find(|(other, _)| *other == letter).map(|(_, axis)| *axis);
    output.chars().map(found).collect()
}

fn joined(first: Origin, other: Origin) -> Origin {
    if first == Origin::New(None) { other } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::axis;
    use crate::shape::testing::dims;

    fn axes(inputs: &[&[i64]]) -> Vec<Axes> {
        inputs.iter().enumerate().map(|(index, input)| axis::input(index, &dims(input))).collect()
    }

    #[test]
    fn matrices_are_multiplied_and_what_is_before_them_is_broadcast() {
        let of = |a: &[i64], b: &[i64], turned_a, turned_b| {
            let inputs = axes(&[a, b]);
            matmul(&inputs[0], &inputs[1], turned_a, turned_b).map(|output| axis::sizes(&output))
        };
        assert_eq!(of(&[-1, 4, 6], &[-1, 6, 3], false, false), Some(dims(&[-1, 4, 3])));
        assert_eq!(of(&[-1, 4, 6], &[-1, 3, 6], false, true), Some(dims(&[-1, 4, 3])));
        assert_eq!(of(&[-1, 6, 4], &[6, 3], true, false), Some(dims(&[-1, 4, 3])));
        assert_eq!(of(&[-1, 1, 4, 6], &[-1, 5, 6, 3], false, false), Some(dims(&[-1, 5, 4, 3])));
        assert_eq!(of(&[-1, 4, 6], &[-1, 5, 3], false, false), None);
        assert_eq!(of(&[6], &[6, 3], false, false), None);
    }

    #[test]
    fn an_equation_names_the_axes_of_its_output() {
        let of = |equation: &str, inputs: &[&[i64]]| einsum(equation, &axes(inputs)).map(|output| axis::sizes(&output));
        assert_eq!(of("abc, acd -> abd", &[&[-1, 4, 6], &[-1, 6, 3]]), Some(dims(&[-1, 4, 3])));
        assert_eq!(of("bthd,bshd->bhts", &[&[-1, 7, 2, 3], &[-1, 9, 2, 3]]), Some(dims(&[-1, 2, 7, 9])));
        assert_eq!(of("ab->ba", &[&[-1, 4]]), Some(dims(&[4, -1])));
        for equation in ["abc,acd->abe", "abc->abc", "...c,acd->d", "abc,abd->ad", "no equation"] {
            assert_eq!(of(equation, &[&[-1, 4, 6], &[-1, 6, 3]]), None, "{equation}");
        }
    }
}
