//! The order in which a model computes.

use std::collections::HashMap;

use super::Graph;

impl Graph<'_> {
    /// The calls of this level as (layer, call), each after those it takes its inputs from. Calls in a cycle are left out.
    pub fn calls_in_order(&self) -> Vec<(usize, usize)> {
        let mut awaited: Vec<Vec<usize>> =
            self.layers.iter().map(|layer| layer.calls.iter().map(|call| call.inputs.len()).collect()).collect();
        let mut consumers: HashMap<(usize, usize), Vec<(usize, usize)>> = HashMap::new();
        let mut order = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for (number, call) in layer.calls.iter().enumerate() {
                for wire in &call.inputs {
                    consumers.entry((wire.source.layer, wire.source.call)).or_default().push((index, number));
                }
                if call.inputs.is_empty() {
                    order.push((index, number));
                }
            }
        }
        let mut next = 0;
        while let Some(&done) = order.get(next) {
            next += 1;
            for &(layer, call) in consumers.get(&done).into_iter().flatten() {
                awaited[layer][call] -= 1;
                if awaited[layer][call] == 0 {
                    order.push((layer, call));
                }
            }
        }
        order
    }
}
