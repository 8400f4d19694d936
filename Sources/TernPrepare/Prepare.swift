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
    let crop = Crop(image, recipe.crop)
    if case .uint8(let samples) = image.samples, image.isShownAsStored, recipe.intensity == .fileWindow {
        return prepare8(samples, image, crop, recipe, kernels)
    }
    var voi = image.greyscale?.voi
    if case .window(let centre, let width) = recipe.intensity {
        guard image.greyscale != nil else { throw .noRescaledValues }
        voi = .window(DecodedImage.Window(centre: Double(centre), width: Double(width)))
    }
    if case .unusable(let fault) = voi { throw .dicom(DICOMError(fault)) }
    return prepareFloat(image, GreyscaleMap(image: image, voi: voi), crop, recipe, kernels)
}

/// The part of the image that is used.
struct Crop {
    let x: Int
    let y: Int
    let width: Int
    let height: Int

    init(_ image: DecodedImage, _ rule: InputRecipe.Crop) {
        switch rule {
        case .stretch:
            (x, y, width, height) = (0, 0, image.width, image.height)
        case .centreSquare:
            let side = min(image.width, image.height)
            (x, y, width, height) = ((image.width - side) / 2, (image.height - side) / 2, side, side)
        }
    }
}

extension DecodedImage {
    /// Whether 8-bit samples are display values already, inversion aside.
    fileprivate var isShownAsStored: Bool {
        guard let greyscale else { return true }
        return bitsStored == 8 && greyscale.voi == nil && greyscale.modalityTable == nil && greyscale.slope == 1 && greyscale.intercept == 0
    }
}

private func prepare8(_ samples: [UInt8], _ image: DecodedImage, _ crop: Crop, _ recipe: InputRecipe, _ kernels: ResizeKernels) -> PreparedInput {
    let planes = min(image.channels, recipe.channels)
    let source = Resize8.Source(
        samples: samples, byteOffset: (crop.y * image.width + crop.x) * image.channels, byteStride: image.width * image.channels,
        isReduced: image.channels == 3 && planes == 1, flip: image.greyscale?.isInverted == true ? 255 : 0)
    let resized = Resize8(width: crop.width, height: crop.height, channels: planes, recipe: recipe, kernels: kernels).run(source)
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
    _ image: DecodedImage, _ map: GreyscaleMap, _ crop: Crop, _ recipe: InputRecipe, _ kernels: ResizeKernels
) -> PreparedInput {
    let resize = ResizeFloat(width: crop.width, height: crop.height, recipe: recipe, kernels: kernels)
    let channels: [GreyRows.Channel] =
        image.channels == 1 ? [.one(0)] : recipe.channels == 3 ? [.one(0), .one(1), .one(2)] : [.luminance]
    let planes = channels.map { channel in
        var rows = GreyRows(image: image, map: map, crop: crop, channel: channel)
        return resize.run(&rows)
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
