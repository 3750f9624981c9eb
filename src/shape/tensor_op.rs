//! Shapes under the operations that layers and op layers share. Axes count the batch axis.

use super::Dims;
use super::settings::{place, product};

/// As NumPy broadcasts: aligned at the last axis.
pub(super) fn broadcast(a: &[Option<usize>], b: &[Option<usize>]) -> Option<Dims> {
    let (longer, shorter) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let (ahead, aligned) = longer.split_at(longer.len() - shorter.len());
    let mut output = ahead.to_vec();
    for (&a, &b) in aligned.iter().zip(shorter) {
        output.push(match (a, b) {
            (Some(1), other) | (other, Some(1)) => other,
            (Some(a), Some(b)) if a != b => return None,
            // A size above 1 beside an unknown one: that is either 1 or the same.
            (a, b) => a.or(b),
        });
    }
    Some(output)
}

/// Joined along one axis, alike in all others.
pub(super) fn concatenated(inputs: &[Dims], axis: i64) -> Option<Dims> {
    let (first, others) = inputs.split_first()?;
    let axis = place(axis, first.len())?;
    let mut output = first.clone();
    for other in others {
        if other.len() != output.len() {
            return None;
        }
        for (index, (dim, &other)) in output.iter_mut().zip(other).enumerate() {
            *dim = match (*dim, other) {
                (Some(a), Some(b)) if index == axis => Some(a.checked_add(b)?),
                _ if index == axis => None,
                (Some(a), Some(b)) if a != b => return None,
                (a, b) => a.or(b),
            };
        }
    }
    Some(output)
}

/// `target` has -1 for the size that follows from the others, and `None` for one that is computed at run time.
pub(super) fn reshaped(input: &[Option<usize>], target: &[Option<i64>]) -> Option<Dims> {
    let sizes = |&size: &Option<i64>| size.and_then(|size| usize::try_from(size).ok());
    let output: Dims = target.iter().map(sizes).collect();
    let open = target.iter().filter(|size| size.is_none_or(|size| size < 0)).count();
    let known: Dims = output.iter().copied().filter(Option::is_some).collect();
    let (total, known) = (product(input), product(&known)?);
    match (total, open) {
        (Some(total), 0) => (total == known).then_some(output),
        (Some(total), 1) => {
            let follows = total.checked_rem(known)? == 0;
            follows.then(|| output.into_iter().map(|size| size.or(Some(total / known))).collect())
        }
        _ => Some(output),
    }
}

pub(super) fn transposed(input: &[Option<usize>], axes: &[usize]) -> Option<Dims> {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    sorted.iter().copied().eq(0..input.len()).then(|| axes.iter().map(|&axis| input[axis]).collect())
}

/// Mean, sum, maximum and the like; over all axes where none is named.
pub(super) fn reduced(input: &[Option<usize>], axes: Option<&[i64]>, keepdims: bool) -> Option<Dims> {
    let gone: Vec<usize> = match axes {
        Some(axes) => axes.iter().map(|&axis| place(axis, input.len())).collect::<Option<_>>()?,
        None => (0..input.len()).collect(),
    };
    let axes = input.iter().enumerate();
    Some(
        axes.filter_map(|(axis, &dim)| if gone.contains(&axis) { keepdims.then_some(Some(1)) } else { Some(dim) })
            .collect(),
    )
}

pub(super) fn expanded(input: &[Option<usize>], axis: i64) -> Option<Dims> {
    let axis = place(axis, input.len() + 1)?;
    let mut output = input.to_vec();
    output.insert(axis, Some(1));
    Some(output)
}

/// Axes of size 1 taken out.
pub(super) fn squeezed(input: &[Option<usize>], axes: &[i64]) -> Option<Dims> {
    let single = |&axis: &i64| place(axis, input.len()).is_some_and(|axis| matches!(input[axis], None | Some(1)));
    axes.iter().all(single).then(|| reduced(input, Some(axes), false)).flatten()
}

/// Cut in `count` equal parts along one axis.
pub(super) fn split(input: &[Option<usize>], axis: i64, count: usize) -> Option<Vec<Dims>> {
    // More parts than any network has, few enough to list.
    const MOST: usize = 4096;
    let axis = place(axis, input.len())?;
    let mut part = input.to_vec();
    if let Some(size) = input[axis] {
        part[axis] = (size.checked_rem(count)? == 0).then(|| Some(size / count))?;
    }
    (count <= MOST).then(|| vec![part; count])
}

/// Cells added before and after, a pair an axis.
pub(super) fn padded(input: &[Option<usize>], ends: &[Vec<usize>]) -> Option<Dims> {
    let grown = |(&dim, ends): (&Option<usize>, &Vec<usize>)| match (dim, ends.as_slice()) {
        (Some(dim), &[before, after]) => Some(Some(dim.checked_add(before)?.checked_add(after)?)),
        (None, [_, _]) => Some(None),
        _ => None,
    };
    (input.len() == ends.len()).then(|| input.iter().zip(ends).map(grown).collect())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::dims;
    use super::*;

    #[test]
    fn axes_are_reduced_squeezed_and_expanded() {
        let image = dims(&[-1, 13, 10, 6]);
        assert_eq!(reduced(&image, Some(&[1, -2]), true), Some(dims(&[-1, 1, 1, 6])));
        assert_eq!(reduced(&image, Some(&[1, -2]), false), Some(dims(&[-1, 6])));
        assert_eq!(reduced(&image, None, false), Some(vec![]));
        assert_eq!(reduced(&image, Some(&[4]), false), None);
        assert_eq!(squeezed(&dims(&[-1, 1, 6]), &[1]), Some(dims(&[-1, 6])));
        assert_eq!(squeezed(&image, &[1]), None);
        assert_eq!(expanded(&image, -1), Some(dims(&[-1, 13, 10, 6, 1])));
        assert_eq!(split(&image, 3, 3), Some(vec![dims(&[-1, 13, 10, 2]); 3]));
        assert_eq!(split(&image, 3, 0), None);
    }

    proptest! {
        #[test]
        fn no_argument_makes_an_operation_fail(
            sizes in proptest::collection::vec(proptest::option::of(any::<usize>()), 0..5),
            numbers in proptest::collection::vec(any::<i64>(), 0..5),
            count: usize,
        ) {
            let axis = numbers.first().copied().unwrap_or(0);
            let targets: Vec<_> = numbers.iter().copied().map(Some).collect();
            let _ = (reduced(&sizes, Some(&numbers), true), squeezed(&sizes, &numbers), expanded(&sizes, axis));
            let _ = (reshaped(&sizes, &targets), split(&sizes, axis, count));
            let _ = (concatenated(&[sizes.clone(), sizes.clone()], axis), padded(&sizes, &[vec![usize::MAX; 2]]));
        }
    }
}
