use super::*;
use crate::fault::{Cell, Fault, Site};
use crate::layout::{DataFormat, Shape};
use crate::sites::each::Each;
use crate::sites::packed;
use crate::sites::pass::PassError;

const LIMIT: Limit = Limit { most: u32::MAX as u64, holder: "an attribute" };

fn document() -> Value {
    json!({"a": "é", "config": {"available_injection_sites": "INJ_SITES", "masks": "MASKS",
        "num_inj_sites": "NUM_INJECTION_SITES"}, "b": 1})
}

fn filled(sites: &[Site], data_format: DataFormat, sparse: bool) -> Result<String, FillError> {
    let config_at = PointerBuf::from_tokens(["config"]);
    let filling = Filling { config_at: &config_at, sites: &packed(sites, data_format), sparse };
    text(document(), &Arrays::default(), &[filling], LIMIT).map(|text| String::from_utf8(text).expect("ASCII"))
}

fn packed(sites: &[Site], data_format: DataFormat) -> Packed {
    let each = Each { shape: sites[0].shape, sites: sites.iter().cloned().map(Ok::<_, PassError>) };
    packed::pack(each, data_format, 1).expect("good sites").0
}

fn site(cells: &[(usize, usize, usize, Fault)]) -> Site {
    let cells = cells.iter().map(|&(h, w, c, fault)| Cell { h, w, c, fault }).collect();
    Site { shape: Shape::new(1, 2, 3).expect("a shape"), cells }
}

#[test]
fn dense_arrays_have_the_axes_of_the_data_format() {
    let sites = [
        site(&[(0, 1, 2, Fault::Value(-1.5)), (0, 0, 1, Fault::Value(f32::NAN))]),
        site(&[(0, 1, 0, Fault::Value(2.0))]),
    ];
    assert_eq!(
        filled(&sites, DataFormat::ChannelsLast, false).expect("fits"),
        "{\"a\": \"\\u00e9\", \"config\": {\"available_injection_sites\": \
         [[[[0,NaN,0],[0,0,-1.5]]],[[[0,0,0],[2,0,0]]]], \
         \"masks\": [[[[1,0,1],[1,1,0]]],[[[1,1,1],[0,1,1]]]], \"num_inj_sites\": 2}, \"b\": 1}"
    );
    assert_eq!(
        filled(&sites[1..], DataFormat::ChannelsFirst, false).expect("fits"),
        "{\"a\": \"\\u00e9\", \"config\": {\"available_injection_sites\": [[[[0,2]],[[0,0]],[[0,0]]]], \
         \"masks\": [[[[1,0]],[[1,1]],[[1,1]]]], \"num_inj_sites\": 1}, \"b\": 1}"
    );
}

#[test]
fn sparse_sites_hold_flat_indexes_with_values_or_bits() {
    let sites = [
        site(&[(0, 1, 2, Fault::Value(f32::NEG_INFINITY)), (0, 0, 1, Fault::Value(0.1))]),
        site(&[(0, 1, 0, Fault::Bit(31))]),
        site(&[(0, 1, 0, Fault::Bit(0)), (0, 0, 0, Fault::Value(7.0))]),
    ];
    assert_eq!(
        filled(&sites, DataFormat::ChannelsLast, true).expect("fits"),
        "{\"a\": \"\\u00e9\", \"config\": {\"available_injection_sites\": \
         [{\"shape\": [1, 2, 3], \"index\": [1,5], \"value\": [0.1,\"-Infinity\"]}, \
         {\"shape\": [1, 2, 3], \"index\": [3], \"bit\": [31]}, \
         {\"shape\": [1, 2, 3], \"index\": [0,3], \"value\": [7,null], \"bit\": [null,0]}], \"masks\": [], \"num_inj_sites\": 3}, \"b\": 1}"
    );
}

#[test]
fn a_bit_flip_has_no_dense_form() {
    let error = filled(&[site(&[(0, 1, 0, Fault::Bit(3))])], DataFormat::ChannelsLast, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "site 0: a bit flip at h 0, w 1, c 0 needs the sparse form: its value is known only when the model runs"
    );
}

#[test]
fn arrays_that_are_there_already_go_back_in_pythons_spelling() {
    let written = |text: &str| {
        let mut arrays = Arrays::default();
        let document = json::parse(text, &mut arrays).expect("JSON").value;
        String::from_utf8(super::text(document, &arrays, &[], LIMIT).expect("fits")).expect("ASCII")
    };
    // Held aside or, with a string among the numbers, not.
    assert_eq!(
        written(r#"{"available_injection_sites": [["NaN", 1], ["-Infinity", NaN]], "masks": [], "name": ["NaN"]}"#),
        r#"{"available_injection_sites": [[NaN,1],[-Infinity,NaN]], "masks": [], "name": ["NaN"]}"#
    );
    assert_eq!(written(r#"{"masks": [["NaN", 1], ["-Infinity", "x"]]}"#), r#"{"masks": [[NaN, 1], [-Infinity, "x"]]}"#);
    let sparse = r#"{"available_injection_sites": [{"index": [1], "value": ["NaN"]}]}"#;
    assert_eq!(written(sparse), sparse);
}

#[test]
fn numbers_that_json_lacks_go_back_in_pythons_spelling() {
    let written = |text: &str, is_saved: bool| {
        let mut arrays = Arrays::default();
        let parse = if is_saved { json::parse_saved } else { json::parse };
        let document = parse(text, &mut arrays).expect("JSON").value;
        super::text(document, &arrays, &[], LIMIT).map(|text| String::from_utf8(text).expect("ASCII"))
    };
    let saved = concat!(
        r#"{"max_value": Infinity, "a": [[-Infinity], {"b": NaN}], "name": "Infinity", "masks": NaN, "#,
        r#""own": {"class_name": "__float__", "value": "NaN"}, "more": {"class_name": "____string__"}, "#,
        r#""available_injection_sites": [["NaN", 1], [NaN, "x", ["Infinity", {"class_name": "__string__", "value": 2}]]], "#,
        r#""of_sites": {"masks": [[NaN,1]]}, "of_strings": {"masks": ["NaN", "-Infinity", "nan"]}}"#
    );
    assert_eq!(written(saved, true).expect("fits"), saved);
    let mut printed = Vec::new();
    let arrays = &mut Arrays::default();
    json::Printable::read(saved, arrays).expect("JSON").write_pretty(arrays, &mut printed).expect("memory");
    assert_eq!(written(std::str::from_utf8(&printed).expect("UTF-8"), false).expect("fits"), saved);
    // Python's json reads the plain form and writes a number of its own bare.
    let mixed = r#"[Infinity, {"value": "-Infinity", "class_name": "__float__"}]"#;
    assert_eq!(written(mixed, false).expect("fits"), "[Infinity, -Infinity]");
    assert_eq!(
        written(r#"{"a/b": [1, {"class_name": "__float__", "value": "inf"}]}"#, false).unwrap_err().to_string(),
        "the object at /a~1b/1 has the class name of a number that JSON lacks, and is not just that with a value of NaN, Infinity or -Infinity"
    );
    assert_eq!(
        written(r#"{"masks": [{"class_name": "__string__", "value": 2}]}"#, false).unwrap_err().to_string(),
        "the object at /masks/0 has the class name of a number that JSON lacks, and is not just that with a value of NaN, Infinity or -Infinity"
    );
}

#[test]
fn old_arrays_stay_beside_new_ones() {
    let mut arrays = Arrays::default();
    let text = r#"{"old": {"masks": [[2, "NaN"]]}, "config": {"masks": "MASKS"}}"#;
    let document = json::parse(text, &mut arrays).expect("JSON").value;
    let sites = packed(&[site(&[(0, 0, 0, Fault::Value(1.0))])], DataFormat::ChannelsLast);
    let config_at = PointerBuf::from_tokens(["config"]);
    let text =
        super::text(document, &arrays, &[Filling { config_at: &config_at, sites: &sites, sparse: false }], LIMIT);
    assert_eq!(
        String::from_utf8(text.expect("fits")).expect("ASCII"),
        "{\"old\": {\"masks\": [[2,NaN]]}, \"config\": {\"masks\": [[[[0,1,1],[1,1,1]]]], \
         \"available_injection_sites\": [[[[1,0,0],[0,0,0]]]], \"num_inj_sites\": 1}}"
    );
}

#[test]
fn more_text_than_an_attribute_holds_is_refused_with_the_numbers() {
    // 1400 sites of 112x112x64, a cell each: 4.5 GB, none of it made.
    let shape = Shape::new(112, 112, 64).expect("a shape");
    let site = Site { shape, cells: vec![Cell { h: 0, w: 0, c: 0, fault: Fault::Value(7.0) }] };
    let sites = packed(&vec![site; 1400], DataFormat::ChannelsLast);
    let config_at = PointerBuf::from_tokens(["config"]);
    let filling = Filling { config_at: &config_at, sites: &sites, sparse: false };
    assert_eq!(
        text(document(), &Arrays::default(), &[filling], LIMIT).unwrap_err().to_string(),
        "the new config would have at least 4566648800 bytes, and an attribute holds 4294967295 at most: 1316 of the 1400 sites"
    );
    // A line of 80 bytes can ask for as much.
    let shape = Shape::new(65_535, 32_767, 2).expect("a shape");
    let huge = Site { shape, cells: vec![Cell { h: 0, w: 0, c: 0, fault: Fault::Value(7.0) }] };
    let error = filled(&[huge], DataFormat::ChannelsLast, false).unwrap_err();
    assert!(error.to_string().ends_with("at most: 0 of the 1 sites"), "{error}");
}
