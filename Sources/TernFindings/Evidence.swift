public import TernImage

/// What a person looks at beside a result: the picture as it is shown, and where the model looked. It is not part of the result's line.
public struct Evidence: Equatable, Sendable {
    /// The frame it belongs to, first frame is 1: of a file of several, that of the highest finding.
    public var frame: Int
    public var picture: ShownImage
    /// A map for each reported label, in the order of the findings.
    public var maps: [LocationMap]
    public init(frame: Int, picture: ShownImage, maps: [LocationMap]) {
        self.frame = frame
        self.picture = picture
        self.maps = maps
    }
}
