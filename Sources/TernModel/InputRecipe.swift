/// How an image becomes the model's input, Models/FORMAT.md section 4.
public struct InputRecipe: Equatable, Sendable {
    /// What becomes of an image whose sides have another ratio.
    public enum Crop: UInt32, Equatable, Sendable {
        case stretch = 0
        case centreSquare = 1
    }
    /// Resampling filter, antialiased as Pillow does.
    public enum Filter: UInt32, Equatable, Sendable {
        case box = 1
        case bilinear = 2
        case bicubic = 3
        case lanczos = 4
    }
    /// Where the window comes from that maps stored values to 0 ... 255.
    public enum Intensity: Equatable, Sendable {
        /// The window the file names, or its full stored range where it names none.
        case fileWindow
        case window(centre: Float, width: Float)
    }
    /// DICOM modality (CS), empty for any.
    public var modality: String
    /// 1 or 3.
    public var channels: Int
    /// Rows of the prepared image.
    public var height: Int
    /// Columns of the prepared image.
    public var width: Int
    public var crop: Crop
    public var filter: Filter
    public var intensity: Intensity
    /// Prepared value = fma(v, scale[c], offset[c]) for v in 0 ... 255; `channels` entries each.
    public var scale: [Float]
    /// One for each channel; see `scale`.
    public var offset: [Float]
    public init(
        modality: String, channels: Int, height: Int, width: Int, crop: Crop, filter: Filter, intensity: Intensity, scale: [Float], offset: [Float]
    ) {
        self.modality = modality
        self.channels = channels
        self.height = height
        self.width = width
        self.crop = crop
        self.filter = filter
        self.intensity = intensity
        self.scale = scale
        self.offset = offset
    }
}
