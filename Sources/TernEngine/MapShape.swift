/// The grid of a model's maps: one value for each patch, row-major from the patch at the top left of the prepared image.
public struct MapShape: Equatable, Sendable {
    public enum Method: Equatable, Sendable {
        /// Models/NUMERICS.md N-16: the exact part of each patch in the output; negative ones speak against.
        case patchShares
        /// N-17: attention and value norms through the layers; never negative, the same for every output, and with the base 1 in sum, less what tokens that read nothing lose.
        case tokenRelevance
    }
    public let method: Method
    /// Patches beside each other and above each other.
    public let columns, rows: Int

    /// Values of one map.
    public var count: Int { columns * rows }
}
