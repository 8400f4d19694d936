/// What the functional groups say of single frames.
///
/// Frames that say the same as the one before share it, so that a frame without a word of its own costs four bytes: what is kept is in proportion to
/// what the items hold.
struct FrameGroups {
    /// What frames say, each of a run of equal ones once.
    private(set) var fields: [ImageHeader.FrameFields] = []
    /// For each frame, which of the fields are its own.
    private var owners: [Int32] = []

    var count: Int { owners.count }

    /// Nil where the groups end before.
    subscript(_ frame: Int) -> ImageHeader.FrameFields? { owners.indices.contains(frame) ? fields[Int(owners[frame])] : nil }

    /// Adds what the next frame says. There are at most `DICOMFile.limitFrameCount`.
    mutating func append(_ own: ImageHeader.FrameFields) {
        if fields.last != own { fields.append(own) }
        owners.append(Int32(fields.count - 1))
    }
}
