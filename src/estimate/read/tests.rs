use super::*;

const CELL: &str = r#"{"h":1,"w":2,"c":3,"value":-1.5,"class":"in_range"}"#;

fn line(head: &str, cells: &str) -> String {
    format!(r#"{{{head}"shape":{{"h":2,"w":3,"c":4}},"cells":[{cells}]}}"#)
}

fn read(text: &str, range: Option<(f32, f32)>) -> Result<Vec<(Shape, Vec<Wrong>)>, String> {
    let mut sites = Sites::new(text.as_bytes(), range);
    let mut found = Vec::new();
    while let Some((shape, cells)) = sites.next().map_err(|error| error.to_string())? {
        found.push((shape, cells.clone()));
    }
    Ok(found)
}

fn classes(text: &str, range: Option<(f32, f32)>) -> Vec<&'static str> {
    read(text, range).unwrap()[0].1.iter().map(|wrong| wrong.class.name()).collect()
}

/// The same line, spelled so that only the reader of all JSON takes it.
fn spaced(line: &str) -> String {
    line.replacen("\"h\":", "\"h\": ", 1)
}

#[test]
fn plain_lines_and_any_other_spelling_are_read_alike() {
    let other = r#"{"h":0,"w":0,"c":0,"value":"NaN","class":"nan"},{"h":0,"w":1,"c":0,"value":3e38}"#;
    for line in [
        line("", CELL),
        line(r#""site":0,"model":"a,\"shape\":{\"h\":","parameters":{"shape":[1.0]},"#, CELL),
        line(r#""golden_range":[-2.0,1e0],"#, &format!("{other},{CELL}")),
        line(r#""golden_range":[-2,1],"#, &format!("{other},{CELL}")),
        line("", r#"{"h":0,"w":0,"c":0,"value":-0.0,"class":"flip"},{"h":0,"w":0,"c":1,"value":0,"class":"zero"}"#),
    ] {
        let mut cells = Vec::new();
        let shape = plain::site(line.as_bytes(), None, &mut cells).unwrap_or_else(|| panic!("not plain: {line}"));
        assert_eq!(plain::site(spaced(&line).as_bytes(), None, &mut Vec::new()), None);
        assert_eq!(read(&spaced(&line), None).unwrap(), [(shape, cells)], "{line}");
    }
}

#[test]
fn what_is_wrong_with_a_plain_line_is_told_by_the_reader_of_all() {
    for (line, message) in [
        (line("", ""), "line 1: no cells"),
        (line("", &CELL.replace("\"h\":1", "\"h\":2")), "line 1: cell h 2, w 2, c 3 lies outside the shape 2x3x4"),
        (line("", &format!("{CELL},{CELL}")), "line 1: cell h 1, w 2, c 3 is there twice"),
        (line("", &CELL.replace("-1.5", "01")), "line 1: not a site: invalid number (column 67)"),
        (line("", &CELL.replace("-1.5", "1.")), "line 1: not a site: invalid number (column 68)"),
        (
            line("", &CELL.replace("-1.5", "1e99")),
            "line 1: value 1e99 is not a float32, \"NaN\", \"Infinity\" or \"-Infinity\"",
        ),
        (line("", CELL).replace("]}", "]} x"), "line 1: not a site: trailing characters (column 93)"),
        (line(r#""site":01,"#, CELL), "line 1: not a site: invalid number (column 10)"),
        (
            line("", &CELL.replace(r#","class":"in_range""#, "")),
            "line 1: cell h 1, w 2, c 3 has no class, and the line no golden_range to tell it by",
        ),
        (
            line("", &CELL.replace("in_range", "mine")),
            "line 1: cell h 1, w 2, c 3 has no class, and the line no golden_range to tell it by",
        ),
        (
            line(r#""golden_range":[1,0],"#, CELL),
            "line 1: the golden_range is not two finite numbers, the smaller first",
        ),
        (
            line(r#""golden_range":"mine","#, CELL),
            "line 1: the golden_range is not two finite numbers, the smaller first",
        ),
        (
            format!("\n\n{}\n", line("", "[]")),
            "line 3: not a site: invalid type: sequence, expected an object with names (column 38)",
        ),
    ] {
        assert_eq!(read(&line, None).unwrap_err(), message, "{line}");
    }
}

#[test]
fn a_golden_range_tells_the_classes_again_but_for_flips() {
    let cell = |value: &str, class: &str| format!(r#"{{"h":0,"w":0,"c":{class},"value":{value}"#);
    let values = ["-1.5", "0.0", "7", "\"NaN\"", "\"-Infinity\""];
    let cells: Vec<_> =
        values.iter().enumerate().map(|(c, value)| cell(value, &c.to_string()) + r#","class":"zero"}"#).collect();
    let line = format!(r#"{{"golden_range":[-2.0,5.0],"shape":{{"h":1,"w":1,"c":5}},"cells":[{}]}}"#, cells.join(","));
    let expected = ["in_range", "zero", "out_of_range", "nan", "nan"];
    assert_eq!(classes(&line, None), expected);
    assert_eq!(classes(&spaced(&line), None), expected);
    let flips = line.replace("\"class\":\"zero\"", "\"class\":\"flip\"");
    assert_eq!(classes(&flips, None), ["flip"; 5]);
    // A range of the user's serves where the line has none.
    let none = line.replace(r#""golden_range":[-2.0,5.0],"#, "").replace(r#","class":"zero""#, "");
    assert_eq!(classes(&none, Some((-2.0, 5.0))), expected);
    assert_eq!(classes(&spaced(&none), Some((-2.0, 5.0))), expected);
    let bit = r#"{"shape":{"h":1,"w":1,"c":1},"cells":[{"h":0,"w":0,"c":0,"bit":30}]}"#;
    assert_eq!(classes(bit, None), ["flip"]);
}

#[test]
fn shapes_may_differ_from_line_to_line() {
    let other = line("", CELL).replace("\"h\":2", "\"h\":9");
    let sites = read(&format!("{}\n\n{other}\n", line("", CELL)), None).unwrap();
    assert_eq!(sites.iter().map(|(shape, _)| shape.h).collect::<Vec<_>>(), [2, 9]);
}
