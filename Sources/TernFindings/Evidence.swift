public import TernImage

/// What a person looks at beside a result: the picture as it is shown, and where the model looked. It is not part of the result's line.
public struct Evidence: Equatable, Sendable {
    /// The frame it belongs to, first frame is 1: of a file of several, that of the highest finding.
    public var frame: Int
    public var picture: ShownImage
    /// A map for each reported label, in the order of the findings. Empty for a model that has none, for an image that the out-of-distribution gate flags,
    /// and for one that was decoded and then refused.
    public var maps: [LocationMap]
    /// Columns and rows of the decoded image, in whose pixels areas and boxes are; the picture may be smaller.
    public var imageWidth, imageHeight: Int
    /// Without `imageWidth` and `imageHeight` the picture has the size of the image.
    public init(frame: Int, picture: ShownImage, maps: [LocationMap], imageWidth: Int? = nil, imageHeight: Int? = nil) {
        self.frame = frame
        self.picture = picture
        self.maps = maps
        self.imageWidth = imageWidth ?? picture.width
        self.imageHeight = imageHeight ?? picture.height
    }
}
