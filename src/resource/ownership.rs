//! Who owns which member of a resource, as a page for people.

use std::fmt::Write as _;

use super::kind::{Compare, Field, FieldClass, Kind, Naming};
use super::kinds::KINDS;

/// The page about the members of every kind.
pub fn reference() -> String {
    let mut text = "# Who owns which field\n\n\
        This page is generated from the program.\n\n\
        Only what a commit declares is compared with what runs. Of a declared field the table says who \
        decides it, and how two values of it are told apart; a field without a line of its own is as \
        the one above it, and else is decided by Git when the resource is made. What nobody declares \
        is AWS's default, or somebody's choice, and is left alone.\n\n\
        The counts of a variant that Application Auto Scaling has a target for are its own, whoever \
        registered the target: they are not compared, and an update keeps them.\n"
        .to_owned();
    for kind in KINDS {
        section(&mut text, kind).expect("a string takes everything");
    }
    text
}

fn section(text: &mut String, kind: &Kind) -> std::fmt::Result {
    let fate = match kind.naming {
        Naming::Mutable => "Named for what it is.",
        Naming::Digest => {
            "Named for its content: other content is another resource beside it, which what refers to \
             it is then moved to."
        }
    };
    writeln!(text, "\n## {}\n\n{fate}", kind.name)?;
    if kind.fields.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n| Field | Decided by | Equal if |\n|---|---|---|")?;
    for field in kind.fields {
        let (owner, equal) = (owner(field.class), equality(field));
        writeln!(text, "| `{}` | {owner} | {equal} |", field.path)?;
    }
    Ok(())
}

fn owner(class: FieldClass) -> &'static str {
    match class {
        FieldClass::CreateOnly => "Git, when it is made",
        FieldClass::Live => "Git, at any time",
        FieldClass::LiveOnly => "Git, once it is made",
        FieldClass::ServerSet => "AWS",
        FieldClass::WriteOnly => "Git; AWS does not give it back",
        FieldClass::OwnedElsewhere => "somebody else",
    }
}

fn equality(field: &Field) -> String {
    if matches!(
        field.class,
        FieldClass::ServerSet | FieldClass::WriteOnly | FieldClass::OwnedElsewhere
    ) {
        return "not compared".to_owned();
    }
    match field.compare {
        Compare::Exact => "what is declared is so".to_owned(),
        Compare::Unordered => "it has the same items, in any order".to_owned(),
        Compare::Keyed(member) => {
            format!("items of the same `{member}` are equal, in any order")
        }
        Compare::WholeMap => "it has the same entries, and no other".to_owned(),
        Compare::JsonText => "it is the same JSON".to_owned(),
        Compare::Reference(kind) => format!("it names the {kind} that is wanted"),
    }
}
