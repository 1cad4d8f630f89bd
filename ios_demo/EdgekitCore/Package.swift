// swift-tools-version:5.7
// Pure logic of the demo app: Foundation only, so that it is built and tested on Linux too.
import PackageDescription

let package = Package(
    name: "EdgekitCore",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "EdgekitCore", targets: ["EdgekitCore"])],
    targets: [
        .target(name: "EdgekitCore"),
        .testTarget(name: "EdgekitCoreTests", dependencies: ["EdgekitCore"]),
    ]
)
