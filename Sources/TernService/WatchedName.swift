/// What names in the watched folder mean. Names are bytes, as the file system has them.
enum WatchedName {
    /// A longer name is shortened when its file is taken: with identifier, hyphens and suffix it must stay within the 255 bytes of a file name.
    static let limitByteCount = 200

    /// The folders inside.
    static let processing = "processing", done = "done", failed = "failed"

    /// False for names that say that their file is not ready or not meant: hidden ones, `.part`, `.tmp`.
    static func isTaken(_ name: [UInt8]) -> Bool {
        name.first != 0x2E && !ends(name, with: ".part") && !ends(name, with: ".tmp")
    }

    /// True for a name like that of the samples of a NIfTI pair, which are no image without their header.
    static func isHalfOfPair(_ name: [UInt8]) -> Bool { ends(name, with: ".img") || ends(name, with: ".img.gz") }

    private static func ends(_ name: [UInt8], with suffix: String) -> Bool {
        name.count >= suffix.utf8.count && name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    /// The name that a file keeps: its own, or the beginning and the end of one that is too long.
    static func kept(_ name: [UInt8]) -> [UInt8] {
        name.count <= limitByteCount ? name : name.prefix(limitByteCount - 41) + [0x7E] + name.suffix(40)
    }

    /// The name in `processing/`: identifier, hyphen, the name kept.
    static func claimed(_ identifier: StudyIdentifier, _ kept: [UInt8]) -> [UInt8] { Array(identifier.text.utf8) + [0x2D] + kept }

    /// The name under which an answer is written before it is moved to its place.
    static func unfinishedAnswer(_ identifier: StudyIdentifier) -> [UInt8] { [0x2E] + Array((identifier.text + ".json").utf8) }

    /// The name of the answer beside a file.
    static func answer(_ name: [UInt8]) -> [UInt8] { name + Array(".json".utf8) }

    /// Identifier and name of a file in `processing/`; nil for what we did not put there.
    static func claim(_ name: [UInt8]) -> (identifier: StudyIdentifier, kept: [UInt8])? {
        guard name.count > 37, name[36] == 0x2D, name.count <= limitByteCount + 37, let identifier = StudyIdentifier(Array(name[..<36])) else { return nil }
        return (identifier, Array(name[37...]))
    }
}
