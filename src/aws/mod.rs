//! The cloud over the AWS SDK: the only room that names `aws_sdk_*`.
