//! The kinds of lineage.

use crate::world::kind::{Id, Kind, List};
use crate::world::kinds::{NOT_FOUND, VALIDATION, list};

/// Artifacts, actions and contexts differ in the names of their members.
macro_rules! entity {
    ($id:ident, $path:literal, $name:literal) => {
        Kind {
            id: Id::$id,
            describe: concat!("Describe", stringify!($id)),
            name: $name,
            arn: concat!(stringify!($id), "Arn"),
            path: $path,
            missing: (
                NOT_FOUND,
                concat!(stringify!($id), " '{arn}' does not exist."),
            ),
            exists: (
                VALIDATION,
                concat!(stringify!($id), " '{arn}' already exists."),
            ),
            list: List {
                equal: &[
                    ("SourceUri", "/Source/SourceUri"),
                    (
                        concat!(stringify!($id), "Type"),
                        concat!("/", stringify!($id), "Type"),
                    ),
                ],
                ..list(
                    concat!(stringify!($id), "Summaries"),
                    "",
                    &[
                        (
                            concat!(stringify!($id), "Arn"),
                            concat!("/", stringify!($id), "Arn"),
                        ),
                        (
                            concat!(stringify!($id), "Name"),
                            concat!("/", stringify!($id), "Name"),
                        ),
                        (
                            concat!(stringify!($id), "Type"),
                            concat!("/", stringify!($id), "Type"),
                        ),
                        ("Source", "/Source"),
                        ("Status", "/Status"),
                        ("CreationTime", "/CreationTime"),
                        ("LastModifiedTime", "/LastModifiedTime"),
                    ],
                )
            },
        }
    };
}

pub(in crate::world) const ARTIFACT: Kind = entity!(Artifact, "artifact", "ArtifactArn");
pub(in crate::world) const ACTION: Kind = entity!(Action, "action", "ActionName");
pub(in crate::world) const CONTEXT: Kind = entity!(Context, "context", "ContextName");
pub(in crate::world) const ASSOCIATION: Kind = Kind {
    id: Id::Association,
    describe: "ListAssociations",
    name: "SourceArn",
    arn: "AssociationArn",
    path: "association",
    missing: (NOT_FOUND, "Association '{name}' does not exist."),
    exists: (VALIDATION, "Association '{name}' already exists."),
    list: List {
        equal: &[
            ("SourceArn", "/SourceArn"),
            ("DestinationArn", "/DestinationArn"),
            ("SourceType", "/SourceType"),
            ("DestinationType", "/DestinationType"),
            ("AssociationType", "/AssociationType"),
        ],
        ..list(
            "AssociationSummaries",
            "",
            &[
                ("SourceArn", "/SourceArn"),
                ("DestinationArn", "/DestinationArn"),
                ("SourceType", "/SourceType"),
                ("DestinationType", "/DestinationType"),
                ("AssociationType", "/AssociationType"),
                ("SourceName", "/SourceName"),
                ("DestinationName", "/DestinationName"),
                ("CreationTime", "/CreationTime"),
                ("CreatedBy", "/CreatedBy"),
            ],
        )
    },
};
