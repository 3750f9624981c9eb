use std::fmt::Write as _;

use super::super::Models;
use super::rows::{Row, names, sections};
use super::*;
use crate::pattern::SpatialClass;

/// Set, rows of the figures, and the SHA-256 of the set's lines in the two tables of figures as published: of
/// `set operator spatial_class row weight figures`, and of `set layer channels_in channels_out input_size kernel_size padding
/// masked sdc crash_hang tensors`.
const FIGURES: [(&str, usize, &str, &str); 9] = [
    (
        "nvdla-16x16-int8",
        2179,
        "58bf5b2fca49224eb53bff056d192271a13947dd0dd0def7eefb0a858d9c0c18",
        "ec0eefa48648f973ad3f6397f7526427aeec92c07f0bfe35bea07d4b095839e2",
    ),
    (
        "nvdla-16x32-int8",
        2268,
        "2aed07d9d94877b0429fcbcdd1cd0e87e86565e8a6181a741e8dd548e7592f92",
        "0ced7fd3863a45785d4af3bb726ce05140959db63dcb2a001cf4bc47f17245e3",
    ),
    (
        "nvdla-32x16-int16",
        2077,
        "643e609290fc3a5a63f3ca8eb63130f2ac2e76a509c1c5cf0139c3eeec571a1e",
        "7700d6059ef59ec763a9312dc23a3822590a89dfe38d96b4f13e68d54ffe7ba1",
    ),
    (
        "nvdla-32x32-int16",
        2151,
        "77e11e4ef57d6234b5cbd9b243d190edd274ba7329875d02a8f95998f3b8d3e0",
        "59667aa1e72abab87f73d0567bfd931ecea74482fabc7718fc2aea97d3cbfcdf",
    ),
    (
        "nvdla-32x32-int32",
        2075,
        "ded48932a7701de2cccdd707e2a1dd31843b76a108fc50710530a04034af8a0a",
        "5133453e7f2a00ab3aafc60e13335c749ef7c81ac3501eabec0b34f89e9cfd60",
    ),
    (
        "nvdla-32x8-int32",
        1954,
        "d4443514170d61c59506caad223b5b13bc2b93b366751017e598b95912807d47",
        "7898f562c5f965e8162835cc04b2251a4eff7e39c0f7dce211b37b2f69f8a643",
    ),
    (
        "nvdla-8x16-int32",
        1915,
        "f55103a5f4017434bc36db49b6efc825fb1e21cd60fbcb7b22ed7868bdd08ed8",
        "f9594b5afe6993751491179f3a7cf509a20041b391e9ff1cdc36bbb5559d6bb4",
    ),
    (
        "nvdla-8x8-int16",
        2009,
        "7874ccbc07a58c42ceb2584bd7fa3bb49d14ec374006a8041a4b03250c54fb13",
        "24297292cf234cc69536475047b26b934da07ec8bcb5770279b5fe9c58480704",
    ),
    (
        "nvdla-8x8-int8",
        2043,
        "0da3ccd26797c12b5e916855fff232ecfc0f3cf017ccd6c91979b3d53469277d",
        "9e68e1166ea6f384b048f6ce9db588c03d273ecdf8de7c04a2c088c885a636f7",
    ),
];

/// The figures of a row, spelled as the tables spell them.
fn spelled(row: &Row, class: SpatialClass) -> (&'static str, String, String) {
    match row {
        Row::Class { weight, tensors, published, .. } => {
            let published = published.unwrap_or(weight);
            ("class", (*weight).to_owned(), format!("count={tensors}, json={published}"))
        }
        Row::Mix { weight, values } => {
            let words: Vec<&str> = values.split(' ').collect();
            let figures = match words[..] {
                [_, ..] if values.contains(':') => format!("mix: {}", words.join(", ").replace(':', "=")),
                [one] => format!("{one}=100..100"),
                [first, share, second, rest] => format!("{first}={share}, {second}={rest}"),
                _ => panic!("{values}"),
            };
            ("values", (*weight).to_owned(), figures)
        }
        Row::Set { weight, values } => {
            let keys_of = class.parameters().keys;
            let mut keys = String::new();
            let mut rest = String::new();
            for (name, value) in names(class).zip(values) {
                // Writing to a string cannot fail.
                let _ = match keys_of.contains(&name) {
                    true => write!(keys, "{name}={value}, "),
                    false => write!(rest, ", {name}={value}"),
                };
            }
            ("parameters", (*weight).to_owned(), format!("{keys}/{rest}"))
        }
    }
}

#[test]
fn every_row_of_both_tables_of_figures_is_in_a_set() {
    for (set, count, figures, layers) in FIGURES {
        let text = Models::layered(set).unwrap();
        let (mut rows, mut table, mut list) = (0, String::new(), String::new());
        let mut lines = text.lines().filter(|line| line.starts_with("layer\t"));
        for (layer, section) in sections(text).unwrap() {
            let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
            let (first, last) = (columns[1..5].join("\t"), columns[6..].join("\t"));
            list += &format!("{set}\t{first}\t{last}\n");
            let mut class = None;
            for row in section.iter() {
                let (_, row) = row.unwrap();
                if let Row::Class { class: next, .. } = row {
                    class = Some(next);
                }
                let class = class.unwrap();
                let (kind, weight, spelled) = spelled(&row, class);
                table += &format!("{set}\t{}\t{class}\t{kind}\t{weight}\t{spelled}\n", layer.name);
                rows += 1;
            }
        }
        assert_eq!(rows, count, "{set}");
        assert_eq!(hexadecimal(&Sha256::digest(&list)), layers, "{set}: layers");
        assert_eq!(hexadecimal(&Sha256::digest(&table)), figures, "{set}: figures");
    }
}

#[test]
fn every_layer_of_every_set_is_a_model_with_the_weights_of_its_rows() {
    let mut models = 0;
    for (set, ..) in FIGURES {
        let text = Models::layered(set).unwrap();
        let layers = Layers::read(set, text).unwrap();
        assert_eq!(layers.iter().count(), 39);
        for (layer, rows) in sections(text).unwrap() {
            let model = layers.model(&layer.name).unwrap().unwrap();
            let mut raw: Vec<(SpatialClass, f64, Vec<f64>, Vec<f64>)> = Vec::new();
            for row in rows.iter() {
                match row.unwrap().1 {
                    Row::Class { class, weight, .. } => raw.push((class, weight.parse().unwrap(), vec![], vec![])),
                    Row::Mix { weight, .. } => raw.last_mut().unwrap().2.push(weight.parse().unwrap()),
                    Row::Set { weight, .. } => raw.last_mut().unwrap().3.push(weight.parse().unwrap()),
                }
            }
            let what = format!("{set} {}", layer.name);
            // Classes that were too rare to have a model are not among the figures.
            same(&what, model.classes(), &raw.iter().map(|class| class.1).collect::<Vec<_>>(), 0.0431);
            for ((_, class), (name, _, mixes, sets)) in model.classes().iter().zip(&raw) {
                assert_eq!(class.class, *name);
                same(&format!("{what} {name} mixes"), &class.mixes, mixes, 1e-5);
                same(&format!("{what} {name} sets"), &class.patterns, sets, 1e-5);
            }
            let Outcomes { masked, sdc, crashed } = layer.outcomes;
            assert!((masked + sdc + crashed - 1.0).abs() < 2e-6, "{what}: outcomes");
            assert_eq!(model.outcomes(), Some(layer.outcomes));
            models += 1;
        }
    }
    assert_eq!(models, 351);
}

fn same<T>(what: &str, model: &Weighted<T>, figures: &[f64], missing: f64) {
    let sum: f64 = figures.iter().sum();
    assert!((1.0 - missing..1.0 + 1e-5).contains(&sum), "{what}: the figures sum to {sum}");
    assert_eq!(model.iter().count(), figures.len(), "{what}");
    for ((weight, _), figure) in model.iter().zip(figures) {
        assert!((weight - figure / sum).abs() < 1e-12, "{what}: {weight} is not {figure}");
    }
}

/// What the widest spans and the largest blocks say: no set has a pattern that its layer's output could not hold, and some
/// set has one that fills it.
#[test]
fn the_side_of_a_layer_is_that_of_its_widest_span() {
    let mut widest = std::collections::BTreeMap::new();
    for (set, ..) in FIGURES {
        for (layer, rows) in sections(Models::layered(set).unwrap()).unwrap() {
            let (_, widest) = widest.entry(layer.name).or_insert((layer.side * layer.side, 0));
            let mut class = SpatialClass::Single;
            for row in rows.iter() {
                match row.unwrap().1 {
                    Row::Class { class: next, .. } => class = next,
                    Row::Set { values, .. } => {
                        let named = names(class).zip(values).filter(|(name, _)| *name == "max_span_width");
                        let widths = named.flat_map(|(_, value)| value.split('|').map(|width| width.parse().unwrap()));
                        *widest = widths.fold(*widest, u32::max);
                    }
                    Row::Mix { .. } => {}
                }
            }
        }
    }
    assert_eq!(widest.len(), 39);
    for (name, (plane, widest)) in widest {
        assert_eq!(plane, widest, "{name}");
    }
}

#[test]
fn a_bad_file_says_where() {
    let layer = "layer\ta\t3\t64\t32\t32\t3\t1\t0.9\t0.1\t0\t7\n";
    for (text, message) in [
        ("", "s/conv: line 1: no layers"),
        ("# a remark\n", "s/conv: line 1: no layers"),
        ("single\t1\t7\n", "s/conv: line 1: not a layer"),
        ("# a remark\nlayer\ta\t3\n", "s/conv: line 2: not a layer"),
    ] {
        assert_eq!(Layers::read("s", text).unwrap_err().to_string(), message);
    }
    for (rows, message) in [
        ("", "s/conv: line 2: no spatial class"),
        ("mine\t1\t7\n", "s/conv: line 2: not a row"),
        ("=\t1\tzero\n", "s/conv: line 2: no spatial class before it"),
        ("single\tx\t7\n", "s/conv: line 2: not a weight"),
        ("single\t1\t7\n=\t1\tmine\n", "s/conv: line 3: not a mix of value classes"),
        ("single\t1\t7\n=\t1\tzero\n+\t1\t5\n", "s/conv: line 4: not a set of parameters"),
        ("single\t1\t7\n=\t1\tzero\n", "s/conv: line 4: the class before it lacks mixes or parameters"),
    ] {
        let text: &'static str = Box::leak(format!("{layer}{rows}").into_boxed_str());
        let layers = Layers::read("s", text).unwrap();
        assert_eq!(layers.model("a").unwrap().unwrap_err().to_string(), message);
        assert!(layers.model("b").is_none());
    }
}
