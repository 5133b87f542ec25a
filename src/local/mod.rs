//! The local SageMaker: protocols and processes around the world.
