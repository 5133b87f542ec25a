//! Findings as JSON: the fields of [`Diagnostic`], absent ones left out.

use serde_json::Value;

use super::super::Diagnostic;

/// One array with an object for each finding.
pub fn array(findings: &[Diagnostic]) -> String {
    let all: Value = findings.iter().map(object).collect();
    format!("{all:#}\n")
}

/// One object a line.
pub fn lines(findings: &[Diagnostic]) -> String {
    let one = |finding| {
        object(finding).to_string()
            + "
"
    };
    findings.iter().map(one).collect()
}

fn object(finding: &Diagnostic) -> Value {
    let mut value = serde_json::to_value(finding).expect("a finding has a JSON form");
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| !field.is_null());
    }
    value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diagnostic::Span;

    #[test]
    fn fields_have_their_names() {
        let span = Span {
            file: "f".to_owned(),
            start: 3,
            end: 4,
            line: 2,
            column: 1,
        };
        let finding = Diagnostic::error("S001", span, "unknown key `x`").help("use `y`");
        let expected = json!({"code": "S001", "severity": "error", "message": "unknown key `x`",
            "span": {"file": "f", "start": 3, "end": 4, "line": 2, "column": 1}, "help": "use `y`"});
        let line = lines(&[finding.clone(), finding.clone()]);
        assert_eq!(line.lines().count(), 2);
        assert_eq!(
            serde_json::from_str::<Value>(line.lines().next().unwrap()).unwrap(),
            expected
        );
        let all: Value = serde_json::from_str(&array(&[finding])).unwrap();
        assert_eq!(all, json!([expected]));
    }
}
