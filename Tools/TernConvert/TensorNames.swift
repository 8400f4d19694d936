import TernWriter

/// Translates the spellings of a vision transformer's tensor names to timm's.
enum TensorNames {
    /// Wrappers that training frameworks and model classes put before every name.
    private static let wrappers = [
        "module.", "state_dict.", "model.", "vit.", "deit.", "dinov2.", "dinov2_with_registers.", "backbone.", "encoder.backbone.",
    ]
    /// Tensors that inference does not use: masking of pre-training and the pooler of Hugging Face base models.
    private static let unused = ["mask_token", "embeddings.mask_token", "pooler.dense.weight", "pooler.dense.bias"]

    private static let stems: [(String, String)] = [
        ("embeddings.cls_token", "cls_token"),
        ("embeddings.distillation_token", "dist_token"),
        ("embeddings.register_tokens", "reg_token"),
        ("register_tokens", "reg_token"),
        ("embeddings.position_embeddings", "pos_embed"),
        ("embeddings.patch_embeddings.projection.", "patch_embed.proj."),
        ("layernorm.", "norm."),
        ("classifier.", "head."),
        ("cls_classifier.", "head."),
        ("distillation_classifier.", "head_dist."),
    ]
    private static let blockPrefixes = ["blocks.", "encoder.layer.", "encoder.layers.", "layers.", "layer."]
    private static let blockStems: [(String, String)] = [
        ("layernorm_before.", "norm1."),
        ("layernorm_after.", "norm2."),
        ("attention.attention.query.", "attn.q."),
        ("attention.attention.key.", "attn.k."),
        ("attention.attention.value.", "attn.v."),
        ("attention.query.", "attn.q."),
        ("attention.key.", "attn.k."),
        ("attention.value.", "attn.v."),
        ("attention.q_proj.", "attn.q."),
        ("attention.k_proj.", "attn.k."),
        ("attention.v_proj.", "attn.v."),
        ("attention.o_proj.", "attn.proj."),
        ("attention.output.dense.", "attn.proj."),
        ("attn.q_proj.", "attn.q."),
        ("attn.k_proj.", "attn.k."),
        ("attn.v_proj.", "attn.v."),
        ("intermediate.dense.", "mlp.fc1."),
        ("output.dense.", "mlp.fc2."),
        ("layer_scale1.lambda1", "ls1.gamma"),
        ("layer_scale2.lambda1", "ls2.gamma"),
    ]

    /// The timm name of a tensor, or nil when it is no part of the network or inference does not use it.
    static func canonical(_ name: String) -> String? {
        if DraftFeatureStatistics.tensorNames.contains(name) { return nil }
        var name = Substring(name)
        while let wrapper = wrappers.first(where: { name.hasPrefix($0) }) { name = name.dropFirst(wrapper.count) }
        if unused.contains(String(name)) { return nil }
        for prefix in blockPrefixes where name.hasPrefix(prefix) {
            let rest = name.dropFirst(prefix.count)
            guard let dot = rest.firstIndex(of: "."), let index = Int(rest[..<dot]), index >= 0 else { continue }
            return "blocks.\(index)." + replacingStem(rest[rest.index(after: dot)...], blockStems)
        }
        return replacingStem(name, stems)
    }

    private static func replacingStem(_ name: Substring, _ stems: [(String, String)]) -> String {
        for (stem, replacement) in stems where name.hasPrefix(stem) { return replacement + name.dropFirst(stem.count) }
        return String(name)
    }
}
