// swift-tools-version: 6.2
import PackageDescription

/// `TERN_DEVICE=1` asks for the device build: the targets of `Sources/` in Embedded mode and nothing else.
let isDeviceBuild = Context.environment["TERN_DEVICE"] == "1"

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]
let embedded: [SwiftSetting] = [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo", "-Osize", "-Xfrontend", "-function-sections"])]
let warnings: [CSetting] = [
    .unsafeFlags(["-Wall", "-Wextra", "-Wshadow", "-Werror", "-ffp-contract=off", "-fno-math-errno", "-ffunction-sections", "-fdata-sections"])
]

/// A C target of layer 0, with the libraries of the distribution that it is a shim over.
func shim(_ name: String, links libraries: String...) -> Target {
    .target(
        name: name, exclude: ["README.md"], cSettings: warnings + [.define("_GNU_SOURCE")] + (isDeviceBuild ? [.define("TERN_DEVICE")] : []),
        linkerSettings: libraries.map { .linkedLibrary($0) })
}

/// A Swift target that runs on the device: compiled as Embedded Swift there, as ordinary Swift for the tests.
func device(_ name: String, _ dependencies: Target.Dependency..., exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: ["README.md"] + exclude, swiftSettings: isDeviceBuild ? strict + embedded : strict)
}

/// A library of the workstation.
func workstation(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tools/\(name)", exclude: ["README.md"], swiftSettings: strict)
}

/// The tests of one target.
func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, swiftSettings: strict)
}

let deviceTargets: [Target] = [
    // Layer 0
    // Optimised in every configuration: tests of kernels at -O0 would take minutes.
    .target(name: "CTernKernels", exclude: ["README.md"], cSettings: warnings + [.unsafeFlags(["-O3"])]),
    shim("CTernPlatform", links: "event_extra", "event_core", "sodium", "seccomp", "pthread"),
    shim("CTernJPEG", links: "jpeg"),
    shim("CTernPNG", links: "png16", "z", "m"),
    shim("CTernZlib", links: "z"),
    shim("CTernOpenJPEG", links: "openjp2", "m"),
    .target(name: "CTernPage", exclude: ["README.md", "page"], cSettings: warnings),
    device("TernBytes"),
    // Layer 1
    device("TernKernels", "CTernKernels", "CTernPlatform"),
    device("TernPlatform", "CTernPlatform"),
    device("TernImage", "TernBytes"),
    device("TernZlib", "CTernZlib"),
    device("TernPage", "CTernPage"),
    // Layer 2
    device("TernModel", "TernBytes", "TernKernels", "TernPlatform"),
    device("TernDICOM", "TernBytes", "TernImage", "TernZlib"),
    device("TernJPEG", "TernBytes", "TernImage", "CTernJPEG"),
    device("TernPNG", "TernBytes", "TernImage", "CTernPNG"),
    device("TernJPEGLossless", "TernBytes", "TernImage"),
    device("TernJPEG2000", "TernBytes", "TernImage", "CTernOpenJPEG"),
    device("TernNIfTI", "TernBytes", "TernImage", "TernZlib"),
    device("TernFindings", "TernImage"),
    device("TernStore", "TernPlatform"),
    // Layer 3
    device("TernEngine", "TernBytes", "TernModel", "TernKernels"),
    device(
        "TernPrepare", "TernBytes", "TernModel", "TernKernels", "TernImage", "TernDICOM", "TernJPEG", "TernJPEGLossless", "TernJPEG2000", "TernNIfTI",
        "TernPNG", "TernZlib"),
    device("TernQuality", "TernBytes", "TernModel", "TernImage"),
    device("TernAudit", "TernPlatform", "TernFindings"),
    device("TernWords", "TernFindings", "TernImage"),
    device("TernRegions", "TernFindings", "TernImage"),
    device("TernObjects", "TernBytes", "TernPlatform", "TernImage", "TernDICOM", "TernFindings"),
    // Layer 4
    device("TernService", "TernBytes", "TernPlatform", "TernImage", "TernFindings", "TernAudit", exclude: ["openapi.yaml"]),
    device("TernScreening", "TernPlatform", "TernImage", "TernFindings", "TernStore"),
    device("TernRecords", "TernFindings", "TernImage", "TernWords"),
    // Layer 5
    .executableTarget(
        name: "ternd",
        dependencies: [
            "TernEngine", "TernPrepare", "TernQuality", "TernService", "TernStore", "TernModel", "TernFindings", "TernAudit", "TernKernels",
            "TernImage", "TernPlatform", "TernBytes", "TernRegions", "TernJPEG", "TernScreening", "TernWords", "TernRecords", "TernPage",
            "TernObjects", "TernDICOM",
        ],
        exclude: ["README.md"],
        swiftSettings: isDeviceBuild ? strict + embedded : strict,
        // Every allocation of the program's objects and archives is counted on its way; `ternd bench` reports them.
        linkerSettings: [
            .unsafeFlags(["malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"].flatMap { ["-Xlinker", "--wrap=\($0)"] }),
            // Once more behind the archives that need them: a static link takes from an archive what was missing before it.
            .unsafeFlags(["-Xlinker", "-lz", "-Xlinker", "-lm"]),
        ]),
]

let workstationTargets: [Target] = [
    .target(name: "CTernBLAS", path: "Tools/CTernBLAS", exclude: ["README.md"], linkerSettings: [.linkedLibrary("openblas")]),
    workstation("TernWriter", "TernBytes", "TernModel", "TernPlatform"),
    workstation("TernConvert", "TernWriter", "TernModel", "TernEngine", "TernKernels", "TernBytes", "TernPlatform"),
    workstation("TernReference", "CTernBLAS", "TernConvert"),
    workstation("TernEvaluation", "TernZlib", "TernConvert", "TernImage", "TernModel", "TernBytes", "TernPlatform"),
    .executableTarget(
        name: "reading-bench", dependencies: ["TernPrepare", "TernKernels", "TernModel", "TernPlatform", "TernBytes"],
        path: "Tools/bench/reading", exclude: ["README.md", "compare_reading"], swiftSettings: strict),
    workstation("TernDeidentification", "TernBytes", "TernPlatform", "TernImage", "TernDICOM", "TernZlib", "TernQuality"),
    .executableTarget(
        name: "tern",
        dependencies: [
            "TernConvert", "TernReference", "TernEvaluation", "TernWriter", "TernBytes", "TernImage", "TernModel", "TernEngine", "TernKernels",
            "TernDICOM", "TernPrepare", "TernQuality", "TernPlatform", "TernAudit",
            "TernDeidentification", "TernFindings", "TernRegions", "TernJPEG",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        path: "Tools/tern",
        exclude: ["README.md"],
        swiftSettings: strict),
]

let testTargets: [Target] = [
    .target(name: "TernImageTesting", dependencies: ["TernImage"], path: "Tests/TernImageTesting", swiftSettings: strict),
    tests("TernBytes"),
    // Optimised in every configuration, as the kernels are: the reference that the tables are held against is plain loops.
    .target(name: "VNNIEmulation", path: "Tests/VNNIEmulation", exclude: ["README.md"], cSettings: warnings + [.unsafeFlags(["-O2"])]),
    .testTarget(
        name: "TernKernelsTests", dependencies: ["TernKernels", "CTernKernels", "VNNIEmulation"], swiftSettings: strict + [.unsafeFlags(["-O"])]),
    tests("TernPlatform"),
    tests("TernImage", "TernBytes"),
    tests("TernZlib", "TernBytes"),
    tests("TernPage"),
    tests("TernModel", "TernWriter", "TernBytes", "TernKernels", "TernPlatform"),
    tests("TernDICOM", "TernBytes", "TernImage", "TernImageTesting"),
    tests("TernJPEG", "TernBytes", "TernImage", "TernImageTesting"),
    tests("TernPNG", "TernBytes", "TernImage", "TernImageTesting"),
    tests("TernJPEGLossless", "TernBytes", "TernImage", "TernImageTesting"),
    tests("TernJPEG2000", "TernBytes", "TernImage", "TernImageTesting"),
    tests("TernNIfTI", "TernBytes", "TernImage", "TernImageTesting", "TernZlib"),
    tests("TernFindings", "TernImage"),
    tests("TernWords", "TernFindings", "TernImage"),
    tests("TernRecords", "TernFindings", "TernImage", "TernWords"),
    tests("TernScreening", "TernFindings", "TernImage", "TernPlatform"),
    tests("TernAudit", "TernFindings", "TernPlatform"),
    tests("TernObjects", "TernBytes", "TernDICOM", "TernFindings", "TernImage"),
    tests("TernService", "TernFindings", "TernPlatform", "TernAudit"),
    tests("TernStore", "TernPlatform"),
    tests("TernEngine", "TernWriter", "TernModel", "TernKernels", "TernPlatform"),
    tests(
        "TernPrepare", "TernBytes", "TernKernels", "TernImageTesting", "TernModel", "TernImage", "TernDICOM", "TernJPEG", "TernJPEGLossless",
        "TernJPEG2000", "TernPNG", "TernNIfTI", "TernZlib"),
    tests("TernQuality", "TernImage", "TernModel"),
    tests("TernRegions", "TernFindings", "TernImage"),
    .target(
        name: "TernConvertTesting", dependencies: ["TernConvert", "TernBytes", "TernPlatform"], path: "Tests/TernConvertTesting",
        swiftSettings: strict),
    tests("TernConvert", "TernBytes", "TernConvertTesting", "TernReference", "TernWriter", "TernModel", "TernEngine", "TernKernels", "TernPlatform"),
    tests("TernReference", "TernConvert", "TernConvertTesting"),
    tests("TernDeidentification", "TernDICOM", "TernImage", "TernPlatform"),
    tests("TernEvaluation", "TernBytes", "TernConvert", "TernImage", "TernImageTesting", "TernModel", "TernPlatform"),
]

let package = Package(
    name: "tern",
    products: [.executable(name: "ternd", targets: ["ternd"])] + (isDeviceBuild ? [] : [.executable(name: "tern", targets: ["tern"])]),
    dependencies: isDeviceBuild ? [] : [.package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")],
    targets: isDeviceBuild ? deviceTargets : deviceTargets + workstationTargets + testTargets
)
