//! The optimizer's state: its slots (momentum, velocity, ...) in one flat list, in the order of the variables that train.
//!
//! Keras matches them by position, too. Every optimizer makes its slots in walks over the variables: one walk with all slots of each
//! variable in a row, or a walk for each kind of slot. So whatever the optimizer, each walk is put in the new order of the variables.

use std::collections::{HashMap, HashSet};

use super::WeightsError;
use crate::model_file::{SavedLayer, Slot, WeightsPlan};

/// All saved weights in the order of the file, and how slots call them.
pub(super) struct Weights<'a> {
    /// Layer and weight.
    all: Vec<(&'a str, &'a str)>,
    by_path: HashMap<String, Vec<usize>>,
    by_joined: HashMap<String, Vec<usize>>,
}

impl<'a> Weights<'a> {
    /// Those of all layers.
    pub fn of(saved: &'a [SavedLayer]) -> Self {
        let of_layer =
            |layer: &'a SavedLayer| layer.weights.iter().map(|weight| (layer.name.as_str(), weight.as_str()));
        let all: Vec<(&str, &str)> = saved.iter().flat_map(of_layer).collect();
        let (mut by_path, mut by_joined): (HashMap<_, Vec<usize>>, HashMap<_, Vec<usize>>) = Default::default();
        for (index, (layer, weight)) in all.iter().enumerate() {
            let path = without_number(weight);
            by_path.entry(path.to_owned()).or_default().push(index);
            by_joined.entry(path.replace('/', "_")).or_default().push(index);
            if !path.contains('/') {
                by_joined.entry(format!("{layer}_{path}")).or_default().push(index);
            }
        }
        Weights { all, by_path, by_joined }
    }

    /// The weights that surely have slots.
    pub fn with_slots(&self, slots: &[Slot]) -> HashSet<(&'a str, &'a str)> {
        let owner = |slot: &Slot| match self.of_slot(&slot.name) {
            [weight] => Some(self.all[*weight]),
            _ => None,
        };
        slots.iter().filter_map(owner).collect()
    }

    /// The slots in their new order; `None` where it is the old one.
    pub fn moved_slots(
        &self,
        slots: &[Slot],
        saved: &[SavedLayer],
        plan: &WeightsPlan,
    ) -> Result<Option<Vec<String>>, WeightsError> {
        let lists = saved.iter().map(|layer| (&layer.name, &layer.weights));
        let lists: HashMap<&String, &Vec<String>> =
            lists.chain(plan.weight_names.iter().map(|(name, weights)| (name, weights))).collect();
        let layers: Vec<&String> = match &plan.layer_names {
            Some(names) => names.iter().collect(),
            None => saved.iter().map(|layer| &layer.name).collect(),
        };
        let mut ranks: HashMap<(&str, &str), usize> = HashMap::new();
        for layer in layers {
            for weight in lists.get(layer).copied().into_iter().flatten() {
                ranks.insert((layer, weight), ranks.len());
            }
        }
        let ranks: Vec<Option<usize>> = self.all.iter().map(|weight| ranks.get(weight).copied()).collect();
        self.reordered(slots, &ranks)
    }

    /// The weights that a slot can belong to: `Adam/m/conv/kernel:0` of Keras 2, `Adam/conv/kernel/m:0` of its optimizers before
    /// 2.11, `adam/conv_kernel_momentum` of Keras 3; until 3.2 it is `conv_kernel_momentum`, and the weight is called `kernel`.
    pub fn of_slot(&self, slot: &str) -> &[usize] {
        let slot = without_number(slot);
        let ends = |text: &str| {
            let starts = text.match_indices('/').map(|(at, _)| at + 1);
            [0].into_iter().chain(starts).find_map(|start| self.by_path.get(&text[start..]))
        };
        let joined = || {
            let last = slot.rsplit('/').next().unwrap_or(slot);
            last.rmatch_indices('_').find_map(|(at, _)| self.by_joined.get(&last[..at]))
        };
        let found = ends(slot).or_else(|| ends(slot.rsplit_once('/')?.0)).or_else(joined);
        found.map_or(&[], Vec::as_slice)
    }

    /// As `moved_slots`; `ranks` has for each weight its place in the new file, where it is still there.
    fn reordered(&self, slots: &[Slot], ranks: &[Option<usize>]) -> Result<Option<Vec<String>>, WeightsError> {
        let moves = !ranks.iter().flatten().is_sorted();
        if !moves {
            return Ok(None);
        }
        let refuse = |slot: &Slot| Err(WeightsError::Slots { slot: slot.name.clone() });
        let mut owners: Vec<Option<usize>> = Vec::with_capacity(slots.len());
        for slot in slots {
            match self.of_slot(&slot.name) {
                [weight] if ranks[*weight].is_some() => owners.push(Some(*weight)),
                // A count of steps, a learning rate.
                [] if slot.is_scalar => owners.push(None),
                _ => return refuse(slot),
            }
        }
        let mut variables: Vec<usize> = owners.iter().flatten().copied().collect();
        variables.sort_unstable();
        variables.dedup();

        let mut order: Vec<usize> = Vec::with_capacity(slots.len());
        let mut at = 0;
        while at < slots.len() {
            let Some(mut last) = owners[at] else {
                order.push(at);
                at += 1;
                continue;
            };
            // A walk ends where the variables begin anew.
            let start = at;
            let mut met = 0;
            while let Some(owner) = owners.get(at).copied().flatten().filter(|owner| *owner >= last) {
                met += usize::from(at == start || owner > last);
                last = owner;
                at += 1;
            }
            if met != variables.len() {
                return refuse(&slots[start]);
            }
            let mut walk: Vec<usize> = (start..at).collect();
            walk.sort_by_key(|&slot| owners[slot].and_then(|owner| ranks[owner]));
            order.extend(walk);
        }
        let is_change = !order.is_sorted();
        Ok(is_change.then(|| order.into_iter().map(|slot| slots[slot].name.clone()).collect()))
    }
}

fn without_number(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(text: &str) -> Vec<Slot> {
        let slot = |name: &str| Slot { name: name.to_owned(), is_scalar: !name.contains("kernel") };
        text.split(' ').map(slot).collect()
    }

    fn layers<const N: usize>(names: [&str; N]) -> Vec<SavedLayer> {
        let layer = |name: &str| SavedLayer { name: name.to_owned(), weights: vec![format!("{name}/kernel:0")] };
        names.into_iter().map(layer).collect()
    }

    /// The slots after the weights `a/kernel` and `b/kernel` have changed places.
    fn swapped(text: &str) -> Option<String> {
        let layers = layers(["a", "b", "c"]);
        let moved = Weights::of(&layers).reordered(&slots(text), &[Some(1), Some(0), Some(2)]);
        moved.ok().flatten().map(|slots| slots.join(" "))
    }

    #[test]
    fn slots_stand_in_walks_over_the_variables() {
        let cases = [
            // All slots of a variable in a row.
            (
                "iteration:0 Adam/m/a/kernel:0 Adam/v/a/kernel:0 Adam/m/b/kernel:0 Adam/v/b/kernel:0",
                "iteration:0 Adam/m/b/kernel:0 Adam/v/b/kernel:0 Adam/m/a/kernel:0 Adam/v/a/kernel:0",
            ),
            // A walk for each kind.
            (
                "Adam/iter:0 Adam/a/kernel/m:0 Adam/b/kernel/m:0 Adam/a/kernel/v:0 Adam/b/kernel/v:0",
                "Adam/iter:0 Adam/b/kernel/m:0 Adam/a/kernel/m:0 Adam/b/kernel/v:0 Adam/a/kernel/v:0",
            ),
            // Of one variable more than of the other.
            (
                "muon/iteration muon/a_kernel_momentum muon/b_kernel_momentum muon/b_kernel_velocity",
                "muon/iteration muon/b_kernel_momentum muon/b_kernel_velocity muon/a_kernel_momentum",
            ),
        ];
        for (old, new) in cases {
            assert_eq!(swapped(old).as_deref(), Some(new));
        }
        assert_eq!(swapped("iteration:0 SGD/m/a/kernel:0 SGD/m/c/kernel:0"), None);
    }

    #[test]
    fn a_weight_without_the_name_of_its_layer_has_its_slots() {
        let layer = |name: &str| SavedLayer { name: name.to_owned(), weights: vec!["kernel".to_owned()] };
        let layers = ["a", "b"].map(layer);
        let moved = Weights::of(&layers)
            .reordered(&slots("iteration a_kernel_velocity b_kernel_velocity"), &[Some(1), Some(0)]);
        let expected = ["iteration", "b_kernel_velocity", "a_kernel_velocity"].map(str::to_owned);
        assert_eq!(moved, Ok(Some(expected.to_vec())));
    }

    #[test]
    fn slots_that_are_not_understood_are_refused() {
        let layers = layers(["a", "b"]);
        let weights = Weights::of(&layers);
        for (text, culprit) in [
            ("Adam/iter:0 training/Adam/Variable_kernel:0", "training/Adam/Variable_kernel:0"),
            ("Adam/m/b/kernel:0 Adam/m/a/kernel:0", "Adam/m/b/kernel:0"),
        ] {
            let refused = weights.reordered(&slots(text), &[Some(1), Some(0)]);
            assert_eq!(refused, Err(WeightsError::Slots { slot: culprit.to_owned() }));
            assert_eq!(weights.reordered(&slots(text), &[Some(0), Some(1)]), Ok(None));
        }
    }
}
