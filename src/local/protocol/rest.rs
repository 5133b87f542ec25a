//! REST-JSON: which operation a method and a path are, and what they and the query add to the body.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Number, Value};

use super::{Malformed, json};
use crate::world::shape::{Member, Shape, Site};

/// Whether a path is one of a template such as `/schedules/{Name}`: what stands at its names.
pub(in crate::local) fn placed<'a>(
    template: &'static str,
    path: &'a str,
) -> Option<Vec<(&'static str, &'a str)>> {
    let parts: Vec<_> = template.split('/').collect();
    let given: Vec<_> = path.split('/').collect();
    if parts.len() != given.len() {
        return None;
    }
    let mut places = Vec::new();
    for (part, given) in parts.into_iter().zip(given) {
        let name = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        match name {
            Some(name) if !given.is_empty() => places.push((name, given)),
            None if part == given => {}
            _ => return None,
        }
    }
    Some(places)
}

/// The request.
pub(in crate::local) fn read(
    members: &'static [Member],
    places: &[(&'static str, &str)],
    query: &str,
    bytes: &[u8],
) -> Result<Value, Malformed> {
    let Value::Object(mut body) = json::read(bytes)? else {
        return Err(Malformed("the request's body is not a JSON object"));
    };
    for member in members {
        match member.site {
            Site::Body => {}
            Site::Path(name) => put(&mut body, member, from_path(places, name)),
            Site::Query(name) => put(&mut body, member, from_query(query, name)),
        }
    }
    Ok(body.into())
}

fn from_path(places: &[(&'static str, &str)], name: &str) -> Vec<String> {
    let own = places.iter().filter(|(own, _)| *own == name);
    own.map(|(_, text)| percent_decode_str(text).decode_utf8_lossy().into_owned())
        .collect()
}

fn from_query(query: &str, name: &str) -> Vec<String> {
    let own = form_urlencoded::parse(query.as_bytes()).filter(|(own, _)| own == name);
    own.map(|(_, text)| text.into_owned()).collect()
}

/// Sets a member to what stands outside of the body, and to nothing else.
fn put(body: &mut Map<String, Value>, member: &Member, mut given: Vec<String>) {
    body.remove(member.name);
    let value = match member.shape() {
        Some(Shape::List(_)) if !given.is_empty() => given.into(),
        Some(shape) => match given.pop() {
            Some(text) => scalar(shape, text),
            None => return,
        },
        None => return,
    };
    body.insert(member.name.to_owned(), value);
}

/// What cannot be read stays text, and is refused by its shape.
fn scalar(shape: &Shape, text: String) -> Value {
    let read = match shape {
        Shape::Integer(_) => text.parse::<i64>().ok().map(Value::from),
        Shape::Float(_) => text
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map(Value::from),
        Shape::Boolean => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::world::shape;

    #[test]
    fn paths_are_matched_part_by_part() {
        let template = "/schedules/{Name}";
        assert_eq!(placed(template, "/schedules/a"), Some(vec![("Name", "a")]));
        for other in ["/schedules", "/schedules/", "/schedules/a/b", "/groups/a"] {
            assert_eq!(placed(template, other), None, "{other}");
        }
    }

    #[test]
    fn path_and_query_are_part_of_the_request() {
        let members = shape::asked("ListSchedules");
        let body = read(
            members,
            &[],
            "ScheduleGroup=a%20b&MaxResults=5&State=x",
            b"{}",
        );
        assert_eq!(
            body,
            Ok(json!({"GroupName": "a b", "MaxResults": 5, "State": "x"}))
        );
        let members = shape::asked("scheduler:UntagResource");
        let places = [("ResourceArn", "arn%3Aaws")];
        let body = read(members, &places, "TagKeys=a&TagKeys=b", b"");
        assert_eq!(
            body,
            Ok(json!({"ResourceArn": "arn:aws", "TagKeys": ["a", "b"]}))
        );
        let members = shape::asked("GetSchedule");
        let body = read(members, &[], "", b"{\"Name\": \"x\"}");
        assert_eq!(body, Ok(json!({})), "a name is told by the path alone");
    }

    proptest! {
        #[test]
        fn any_request_is_read_or_refused(
            path in "[/a-z%0-9]{0,40}", query in "\\PC{0,40}", body in "[\\[\\]{}\",:a1]{0,40}",
        ) {
            let places = placed("/schedules/{Name}", &path).unwrap_or_default();
            let read = read(shape::asked("UpdateSchedule"), &places, &query, body.as_bytes());
            prop_assert!(read.map_or(true, |body| body.is_object()));
        }
    }
}
