import CTernBLAS
import TernConvert

/// input [rows, depth] times weights [columns, depth] transposed plus bias.
///
/// - Precondition: the counts are those of the shapes.
func linear(_ input: ArraySlice<Float>, rows: Int, _ layer: VisionTransformer.Linear) -> [Float] {
    let (columns, depth) = (layer.weights.rows, layer.weights.columns)
    precondition(input.count == rows * depth && layer.weights.values.count == columns * depth)
    precondition((layer.bias?.count ?? columns) == columns)
    var output = [Float](repeating: 0, count: rows * columns)
    // SAFETY: the preconditions prove the extents the callee reads and writes; all arrays live for the call.
    unsafe input.withUnsafeBufferPointer { source in
        if let bias = layer.bias {
            unsafe tern_blas_linear(rows, columns, depth, source.baseAddress, depth, layer.weights.values, bias, &output, columns)
        } else {
            unsafe tern_blas_linear(rows, columns, depth, source.baseAddress, depth, layer.weights.values, nil, &output, columns)
        }
    }
    return output
}

/// Softmax attention of `queryCount` rows over `tokens` rows of keys and values.
func attention(
    tokens: Int, queryCount: Int, heads: Int, keyValueHeads: Int, width: Int, queries: [Float], keys: [Float], values: [Float]
) -> [Float] {
    precondition(queries.count == queryCount * heads * width && keys.count == tokens * keyValueHeads * width && values.count == keys.count)
    var scores = [Float](repeating: 0, count: queryCount * tokens)
    var output = [Float](repeating: 0, count: queryCount * heads * width)
    // SAFETY: the precondition and the two counts above are the extents the callee uses.
    unsafe tern_blas_attention(
        tokens, queryCount, heads, keyValueHeads, width, queries, heads * width, keys, values, keyValueHeads * width, &scores, &output,
        heads * width)
    return output
}

/// The exact GELU, in place.
func gelu(_ values: inout [Float]) {
    // SAFETY: the callee changes `count` values of the array, which lives for the call.
    unsafe tern_blas_gelu(&values, values.count)
}
