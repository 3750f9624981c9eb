//! Shapes under the operations that layers and op layers share. Axes count the batch axis.

use super::Dims;
use super::axis::{Axes, Axis, Origin, of_all};
use super::settings::{place, product};

/// As NumPy broadcasts: aligned at the last axis.
pub(super) fn broadcast(a: &[Axis], b: &[Axis]) -> Option<Axes> {
    let (longer, shorter) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let (ahead, aligned) = longer.split_at(longer.len() - shorter.len());
    let mut output = ahead.to_vec();
    for (&a, &b) in aligned.iter().zip(shorter) {
        output.push(a.resized(match (a.size, b.size) {
            (Some(1), other) | (other, Some(1)) => other,
            (Some(a), Some(b)) if a != b => return None,
            // A size above 1 beside an unknown one: that is either 1 or the same.
            (a, b) => a.or(b),
        }));
    }
    Some(of_all(output))
}

/// Joined along one axis, alike in all others.
pub(super) fn concatenated(inputs: &[Axes], axis: i64) -> Option<Axes> {
    let (first, others) = inputs.split_first()?;
    let axis = place(axis, first.len())?;
    let mut output = first.clone();
    for other in others {
        if other.len() != output.len() {
            return None;
        }
        for (index, (joined, other)) in output.iter_mut().zip(other).enumerate() {
            joined.size = match (joined.size, other.size) {
                (Some(a), Some(b)) if index == axis => Some(a.checked_add(b)?),
                _ if index == axis => None,
                (Some(a), Some(b)) if a != b => return None,
                (a, b) => a.or(b),
            };
        }
    }
    Some(of_all(output))
}

/// Side by side along a new axis.
pub(super) fn stacked(inputs: &[Axes], axis: i64) -> Option<Axes> {
    let apart: Option<Vec<Axes>> = inputs.iter().map(|input| expanded(input, axis)).collect();
    let apart = apart?;
    let rank = apart.first()?.len();
    let axis = place(axis, rank)?;
    let mut output = concatenated(&apart, i64::try_from(axis).ok()?)?;
    for (index, joined) in output.iter_mut().enumerate() {
        joined.origin = match index.cmp(&axis) {
            std::cmp::Ordering::Less => Origin::OfAll { from_end: rank - 1 - index },
            std::cmp::Ordering::Equal => Origin::New(None),
            std::cmp::Ordering::Greater => Origin::OfAll { from_end: rank - index },
        };
    }
    Some(output)
}

/// `target` has -1 for the size that follows from the others, and `None` for one that is computed at run time.
pub(super) fn reshaped(input: &[Axis], target: &[Option<i64>]) -> Option<Axes> {
    let written: Dims = target.iter().map(|&size| size.and_then(|size| usize::try_from(size).ok())).collect();
    let open = target.iter().filter(|size| size.is_none_or(|size| size < 0)).count();
    let known = written.iter().flatten().try_fold(1usize, |product, &size| product.checked_mul(size))?;
    let output = match (product(input), open) {
        (Some(total), 0) if total != known => return None,
        (Some(total), 1) if total.checked_rem(known)? != 0 => return None,
        (Some(total), 1) => written.into_iter().map(|size| size.or(Some(total / known))).collect(),
        _ => written,
    };
    Some(regrouped(input, &output))
}

/// The axes of a tensor whose cells stay in their order while its sizes become others. An axis is the same one where as
/// many cells stand behind it as before; where some become several others, these are parts of all of them.
pub(super) fn regrouped(input: &[Axis], output: &[Option<usize>]) -> Axes {
    let mut axes: Axes = output.iter().map(|&size| Axis::new(size)).collect();
    let (mut before, mut after) = (input.len(), output.len());
    // From the last axis on, as far as sizes are known: the smallest groups of axes with as many cells.
    while before > 0 && after > 0 {
        match (input[before - 1].size, output[after - 1]) {
            (Some(a), Some(b)) if a == b => {
                axes[after - 1].origin = input[before - 1].origin;
                (before, after) = (before - 1, after - 1);
            }
            (Some(1), _) => before -= 1,
            (_, Some(1)) => after -= 1,
            _ => match group(&input[..before], &output[..after]) {
                Some((from, to)) => {
                    regroup(&input[from..before], &mut axes[to..after]);
                    (before, after) = (from, to);
                }
                None => break,
            },
        }
    }
    // One axis left on both sides is the same; it may be the batch.
    if let (&[left], 1) = (&input[..before], after) {
        axes[0].origin = left.origin;
        return axes;
    }
    let alike = |axis: &usize| input[*axis].size.is_some() && input[*axis].size == output[*axis];
    let first = (0..before.min(after)).take_while(alike).count();
    axes.iter_mut().zip(input).take(first).for_each(|(axis, before)| axis.origin = before.origin);
    regroup(&input[first..before], &mut axes[first..after]);
    axes
}

/// Where the last axes of both begin that have the same number of cells; both are not alone.
fn group(input: &[Axis], output: &[Option<usize>]) -> Option<(usize, usize)> {
    let (mut from, mut to) = (input.len() - 1, output.len() - 1);
    let (mut cells, mut parts) = (input[from].size?, output[to]?);
    while cells != parts {
        if cells < parts {
            from = from.checked_sub(1)?;
            cells = cells.checked_mul(input[from].size?)?;
        } else {
            to = to.checked_sub(1)?;
            parts = parts.checked_mul(output[to]?)?;
        }
    }
    Some((from, to))
}

/// What becomes one axis is all of them together; what becomes several is none of them any more.
fn regroup(before: &[Axis], after: &mut [Axis]) {
    let [Axis { origin: Origin::Of { input, axis }, .. }, behind @ ..] = before else { return };
    if !behind.iter().zip(axis + 1..).all(|(next, axis)| next.origin == Origin::Of { input: *input, axis }) {
        return;
    }
    let (input, axis, axes) = (*input, *axis, before.len());
    match after {
        [all] => all.origin = Origin::Merged { input, axis, axes },
        several => several.iter_mut().for_each(|part| part.origin = Origin::Split { input, axis, axes }),
    }
}

pub(super) fn transposed(input: &[Axis], axes: &[usize]) -> Option<Axes> {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    sorted.iter().copied().eq(0..input.len()).then(|| axes.iter().map(|&axis| input[axis]).collect())
}

/// Mean, sum, maximum and the like; over all axes where none is named.
pub(super) fn reduced(input: &[Axis], axes: Option<&[i64]>, keepdims: bool) -> Option<Axes> {
    let gone: Vec<usize> = match axes {
        Some(axes) => axes.iter().map(|&axis| place(axis, input.len())).collect::<Option<_>>()?,
        None => (0..input.len()).collect(),
    };
    let axes = input.iter().enumerate();
    Some(
        axes.filter_map(|(index, &axis)| match gone.contains(&index) {
            true => keepdims.then_some(axis.resized(Some(1))),
            false => Some(axis),
        })
        .collect(),
    )
}

pub(super) fn expanded(input: &[Axis], axis: i64) -> Option<Axes> {
    let axis = place(axis, input.len() + 1)?;
    let mut output = input.to_vec();
    output.insert(axis, Axis::new(Some(1)));
    Some(output)
}

/// Axes of size 1 taken out.
pub(super) fn squeezed(input: &[Axis], axes: &[i64]) -> Option<Axes> {
    let single = |&axis: &i64| place(axis, input.len()).is_some_and(|axis| matches!(input[axis].size, None | Some(1)));
    axes.iter().all(single).then(|| reduced(input, Some(axes), false)).flatten()
}

/// Cut in `count` equal parts along one axis.
pub(super) fn split(input: &[Axis], axis: i64, count: usize) -> Option<Vec<Axes>> {
    // More parts than any network has, few enough to list.
    const MOST: usize = 4096;
    let axis = place(axis, input.len())?;
    let mut part = input.to_vec();
    if let Some(size) = input[axis].size {
        part[axis].size = (size.checked_rem(count)? == 0).then(|| Some(size / count))?;
    }
    (count <= MOST).then(|| vec![part; count])
}

/// Cut along one axis where the parts end: with `has_rest`, behind the last end stands one more.
pub(super) fn split_at(input: &[Axis], axis: i64, ends: &[usize], has_rest: bool) -> Option<Vec<Axes>> {
    let axis = place(axis, input.len())?;
    let size = input[axis].size?;
    let mut start = 0;
    let mut parts = Vec::with_capacity(ends.len() + 1);
    for &end in ends.iter().chain(has_rest.then_some(&size)) {
        let mut part = input.to_vec();
        part[axis].size = Some(end.checked_sub(start).filter(|_| end <= size)?);
        parts.push(part);
        start = end;
    }
    (start == size).then_some(parts)
}

/// Cells added before and after, a pair an axis.
pub(super) fn padded(input: &[Axis], ends: &[Vec<usize>]) -> Option<Axes> {
    let grown = |(axis, ends): (&Axis, &Vec<usize>)| match (axis.size, ends.as_slice()) {
        (Some(size), &[before, after]) => Some(axis.resized(Some(size.checked_add(before)?.checked_add(after)?))),
        (None, [_, _]) => Some(*axis),
        _ => None,
    };
    (input.len() == ends.len()).then(|| input.iter().zip(ends).map(grown).collect())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::axis::{self, sizes};
    use super::super::testing::dims;
    use super::*;

    fn axes(sizes: &[i64]) -> Axes {
        axis::input(0, &dims(sizes))
    }

    /// Where a reshape takes its axes from: `2` is an axis of the input, `1-2` several, `?` none.
    fn regrouping(input: &[i64], output: &[i64]) -> String {
        let words = |axis: &Axis| match axis.origin {
            Origin::Of { axis, .. } => axis.to_string(),
            Origin::Merged { axis, axes, .. } => format!("{axis}-{}", axis + axes - 1),
            Origin::Split { axis, .. } => format!("<{axis}"),
            _ => "?".to_owned(),
        };
        regrouped(&axes(input), &dims(output)).iter().map(words).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_reshape_keeps_the_axes_that_it_does_not_mix() {
        for (input, output, expected) in [
            (&[-1, 8, 6, 3][..], &[-1, 48, 3][..], "0 1-2 3"),
            (&[-1, 8, 6, 3], &[-1, 144], "0 1-3"),
            (&[-1, 8, 6, 3], &[-1, 6, 8, 3], "0 <1 <1 3"),
            (&[-1, 8, 6, 3], &[-1, 3, 8, 6], "0 <1 <1 <1"),
            (&[-1, 8, 6, 3], &[-1, 8, 1, 18], "0 1 ? 2-3"),
            (&[-1, 8, 6, 12], &[-1, 8, 6, 4, 3], "0 1 2 <3 <3"),
            (&[-1, 1, 1, 6], &[-1, 6], "0 3"),
            (&[-1, 6], &[-1, 1, 1, 6], "0 ? ? 1"),
            (&[-1, -1, -1, 6], &[-1, -1, 6], "<0 <0 3"),
            (&[-1, -1, 6], &[-1, 3, 6], "<0 <0 2"),
        ] {
            assert_eq!(regrouping(input, output), expected, "{input:?} to {output:?}");
        }
    }

    #[test]
    fn axes_are_reduced_squeezed_and_expanded() {
        let image = axes(&[-1, 13, 10, 6]);
        let of = |axes: Option<Axes>| axes.map(|axes| sizes(&axes));
        assert_eq!(of(reduced(&image, Some(&[1, -2]), true)), Some(dims(&[-1, 1, 1, 6])));
        assert_eq!(of(reduced(&image, Some(&[1, -2]), false)), Some(dims(&[-1, 6])));
        assert_eq!(of(reduced(&image, None, false)), Some(vec![]));
        assert_eq!(of(reduced(&image, Some(&[4]), false)), None);
        assert_eq!(of(squeezed(&axes(&[-1, 1, 6]), &[1])), Some(dims(&[-1, 6])));
        assert_eq!(of(squeezed(&image, &[1])), None);
        assert_eq!(of(expanded(&image, -1)), Some(dims(&[-1, 13, 10, 6, 1])));
        assert_eq!(of(stacked(&[image.clone(), image.clone()], -1)), Some(dims(&[-1, 13, 10, 6, 2])));
        assert_eq!(of(split(&image, 3, 3).map(|parts| parts[2].clone())), Some(dims(&[-1, 13, 10, 2])));
        assert_eq!(of(split(&image, 3, 0).map(|parts| parts[2].clone())), None);
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
            let sizes = axis::input(0, &sizes);
            let _ = (reduced(&sizes, Some(&numbers), true), squeezed(&sizes, &numbers), expanded(&sizes, axis));
            let _ = (reshaped(&sizes, &targets), split(&sizes, axis, count));
            let _ = (concatenated(&[sizes.clone(), sizes.clone()], axis), padded(&sizes, &[vec![usize::MAX; 2]]));
        }
    }
}
