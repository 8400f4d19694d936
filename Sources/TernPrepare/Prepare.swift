import TernBytes
import TernDICOM
public import TernImage
public import TernKernels
public import TernModel

/// What a model's plan starts from.
public struct PreparedInput: Equatable, Sendable {
    public var channels: Int
    public var height: Int
    public var width: Int
    /// [channels, height, width], row-major.
    public var values: [Float]
}

/// Checks that an image's modality is the recipe's, and says whether there was something to compare.
///
/// CR, DX and RG are one family: what one detector's maker calls DX another calls CR. Files of other kinds than DICOM name no modality: they pass
/// unchecked, unless the caller knows it.
///
/// - Parameters:
///   - modality: what the file says, else what the caller says; nil when neither does.
/// - Throws: `.modalityMissing`, `.modalityDiffers`.
@discardableResult
public func checkModality(_ modality: String?, of kind: ImageKind, for recipe: InputRecipe) throws(PrepareError) -> Bool {
    guard !recipe.modality.utf8.isEmpty else { return false }
    guard let modality else {
        if kind == .dicom { throw .modalityMissing }
        return false
    }
    guard modalityFamily(modality).elementsEqual(modalityFamily(recipe.modality)) else { throw .modalityDiffers }
    return true
}

private func modalityFamily(_ modality: String) -> String.UTF8View {
    let isRadiograph = ["CR", "DX", "RG"].contains { $0.utf8.elementsEqual(modality.utf8) }
    return isRadiograph ? "DX".utf8 : modality.utf8
}

/// Turns an image into a model's input by the recipe of Models/FORMAT.md section 4.
///
/// Steps, in this order: grey values (rescale, values of interest, inversion) or the file's 8-bit samples as they are; centre crop; number of channels;
/// resize; scale and offset. An image whose values need no greyscale step goes the 8-bit way and is resized exactly as Pillow does; every other goes
/// the real-valued way with the same filter weights. Every instruction set gives the same bits.
///
/// - Shapes: the result is [recipe.channels, recipe.height, recipe.width].
/// - Precondition: the image's samples have the count of its shape, and the recipe comes from a validated model.
/// - Throws: `.noRescaledValues` when the recipe has a window in rescaled units and the image has none; `.dicom` when the recipe goes by the file's window
///   and that breaks a rule of the standard.
/// - Cost: one pass over the image, two of 32-bit and real values without a transformation of their own; memory for 16 rows, the sums and the result.
public func prepare(_ image: DecodedImage, recipe: InputRecipe, kernels: ResizeKernels = .best) throws(PrepareError) -> PreparedInput {
    precondition(recipe.channels == 1 || recipe.channels == 3, "a recipe has 1 or 3 channels")
    precondition(recipe.scale.count >= recipe.channels && recipe.offset.count >= recipe.channels, "a factor and an offset per channel")
    precondition(image.samples.count == image.width * image.height * image.channels, "samples of the image's shape")
    let crop = Crop(width: image.width, height: image.height, recipe.crop)
    if case .uint8(let samples) = image.samples, image.isShownAsStored, recipe.intensity == .fileWindow {
        return prepare8(
            samples.rawBytes, channels: image.channels, byteStride: image.width * image.channels, isInverted: image.greyscale?.isInverted == true, crop,
            recipe, kernels)
    }
    var voi = image.greyscale?.voi
    if case .window(let centre, let width) = recipe.intensity {
        guard image.greyscale != nil else { throw .noRescaledValues }
        voi = .window(DecodedImage.Window(centre: Double(centre), width: Double(width)))
    }
    if case .unusable(let fault) = voi { throw .dicom(DICOMError(fault)) }
    let none: [UInt8] = []
    return prepareFloat(image, nil, in: none.rawBytes, GreyscaleMap(image: image, voi: voi), crop, recipe, kernels)
}

/// Turns a picture in memory that somebody else holds into a model's input, in place: the same bits as of an image with these samples and no grey scale.
///
/// - Precondition: `bytes` hold `pixels.byteCount` bytes at least.
/// - Throws: `.noRescaledValues` when the recipe has a window in rescaled units.
public func prepare(_ pixels: RawPixels, in bytes: RawSpan, recipe: InputRecipe, kernels: ResizeKernels = .best) throws(PrepareError) -> PreparedInput {
    precondition(bytes.byteCount >= pixels.byteCount, "memory that holds the picture")
    guard recipe.intensity == .fileWindow else { throw .noRescaledValues }
    let crop = Crop(width: pixels.width, height: pixels.height, recipe.crop)
    guard pixels.format == .grey16 else {
        return prepare8(bytes, channels: pixels.channels, byteStride: pixels.byteStride, isInverted: false, crop, recipe, kernels)
    }
    let image = DecodedImage(
        width: pixels.width, height: pixels.height, channels: 1, bitsStored: pixels.bitsStored, samples: .uint16([]), greyscale: nil)
    return prepareFloat(image, pixels, in: bytes, GreyscaleMap(image: image, voi: nil), crop, recipe, kernels)
}

/// The part of the image that is used.
struct Crop {
    let x: Int
    let y: Int
    let width: Int
    let height: Int

    init(width: Int, height: Int, _ rule: InputRecipe.Crop) {
        switch rule {
        case .stretch:
            (x, y, self.width, self.height) = (0, 0, width, height)
        case .centreSquare:
            let side = min(width, height)
            (x, y, self.width, self.height) = ((width - side) / 2, (height - side) / 2, side, side)
        }
    }
}

extension DecodedImage {
    /// Whether 8-bit samples are display values already, inversion aside.
    var isShownAsStored: Bool {
        guard let greyscale else { return true }
        return bitsStored == 8 && greyscale.voi == nil && greyscale.modalityTable == nil && greyscale.slope == 1 && greyscale.intercept == 0
    }
}

private func prepare8(
    _ samples: RawSpan, channels: Int, byteStride: Int, isInverted: Bool, _ crop: Crop, _ recipe: InputRecipe, _ kernels: ResizeKernels
) -> PreparedInput {
    let planes = min(channels, recipe.channels)
    let source = Resize8.Source(
        byteOffset: crop.y * byteStride + crop.x * channels, byteStride: byteStride, isReduced: channels == 3 && planes == 1, flip: isInverted ? 255 : 0)
    let resized = Resize8(width: crop.width, height: crop.height, channels: planes, recipe: recipe, kernels: kernels).run(source, in: samples)
    var values: [Float] = []
    values.reserveCapacity(recipe.channels * recipe.height * recipe.width)
    for channel in 0..<recipe.channels {
        let table = (0...255).map { Float($0) }.map { recipe.offset[channel].addingProduct($0, recipe.scale[channel]) }
        for pixel in 0..<(recipe.height * recipe.width) {
            values.append(table[Int(resized[pixel * planes + (planes == 3 ? channel : 0)])])
        }
    }
    return PreparedInput(channels: recipe.channels, height: recipe.height, width: recipe.width, values: values)
}

private func prepareFloat(
    _ image: DecodedImage, _ pixels: RawPixels?, in memory: RawSpan, _ map: GreyscaleMap, _ crop: Crop, _ recipe: InputRecipe, _ kernels: ResizeKernels
) -> PreparedInput {
    let resize = ResizeFloat(width: crop.width, height: crop.height, recipe: recipe, kernels: kernels)
    let channels: [GreyRows.Channel] =
        image.channels == 1 ? [.one(0)] : recipe.channels == 3 ? [.one(0), .one(1), .one(2)] : [.luminance]
    var planes: [[Float]] = []
    for channel in channels {
        var rows = GreyRows(image: image, pixels: pixels, map: map, crop: crop, channel: channel)
        planes.append(resize.run(&rows, in: memory))
    }
    var values: [Float] = []
    values.reserveCapacity(recipe.channels * recipe.height * recipe.width)
    for channel in 0..<recipe.channels {
        for value in planes[planes.count == 3 ? channel : 0] {
            values.append(recipe.offset[channel].addingProduct(value, recipe.scale[channel]))
        }
    }
    return PreparedInput(channels: recipe.channels, height: recipe.height, width: recipe.width, values: values)
}
