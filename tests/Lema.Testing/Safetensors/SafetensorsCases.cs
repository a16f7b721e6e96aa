namespace Lema.Testing.Safetensors;

/// <summary>Files that a strict .safetensors reader has to take or refuse, one for each rule of the format and each way around it.</summary>
public static class SafetensorsCases
{
    public static IReadOnlyList<SafetensorsCase> All { get; } =
        [.. Frames(), .. Json(), .. Metadata(), .. Fields(), .. Shapes(), .. Offsets(), .. Names(), .. Accepted()];

    private const string One = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    private static string Tensor(string fields) => $$$"""{"a":{{{{fields}}}}}""";

    private static string Shape(string shape, string offsets = "0,8", string dtype = "F32") =>
        Tensor($"\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{offsets}]");

    private static string Two(string first, string second) =>
        $$$"""{"a":{"dtype":"U8","shape":[4],"data_offsets":[{{{first}}}]},"b":{"dtype":"U8","shape":[4],"data_offsets":[{{{second}}}]}}""";

    private static SafetensorsCase Reject(string name, string header, int dataBytes = 8) => SafetensorsCase.Of(name, false, header, dataBytes);

    private static SafetensorsCase Accept(string name, string header, int dataBytes = 8) => SafetensorsCase.Of(name, true, header, dataBytes);

    private static IEnumerable<SafetensorsCase> Frames()
    {
        byte[] one = System.Text.Encoding.UTF8.GetBytes(One);
        ulong exact = (ulong)one.Length;
        yield return new("frame-empty-file", false, []);
        yield return new("frame-one-byte", false, [1]);
        yield return new("frame-seven-bytes", false, [2, 0, 0, 0, 0, 0, 0]);
        yield return SafetensorsCase.Raw("frame-length-only", false, 2, []);
        yield return SafetensorsCase.Raw("frame-length-zero", false, 0, []);
        yield return SafetensorsCase.Raw("frame-length-zero-with-data", false, 0, one);
        yield return SafetensorsCase.Raw("frame-length-one", false, 1, one);
        yield return SafetensorsCase.Raw("frame-length-one-past-end", false, exact + 9, [.. one, .. SafetensorsCase.Data(8)]);
        yield return SafetensorsCase.Raw("frame-length-takes-data", false, exact + 8, [.. one, .. SafetensorsCase.Data(8)]);
        yield return SafetensorsCase.Raw("frame-length-short", false, exact - 1, [.. one, .. SafetensorsCase.Data(8)]);
        yield return SafetensorsCase.Raw("frame-length-limit", false, 100_000_000, one);
        yield return SafetensorsCase.Raw("frame-length-over-limit", false, 100_000_001, one);
        yield return SafetensorsCase.Raw("frame-length-int32-max", false, int.MaxValue, one);
        yield return SafetensorsCase.Raw("frame-length-uint32-max", false, uint.MaxValue, one);
        yield return SafetensorsCase.Raw("frame-length-int64-max", false, long.MaxValue, one);
        yield return SafetensorsCase.Raw("frame-length-int64-min", false, 1UL << 63, one);
        yield return SafetensorsCase.Raw("frame-length-uint64-max", false, ulong.MaxValue, one);
        yield return SafetensorsCase.Raw("frame-length-wraps-to-zero", false, ulong.MaxValue - 7, one);
        yield return SafetensorsCase.Raw("frame-length-big-endian", false, exact << 56, [.. one, .. SafetensorsCase.Data(8)]);
        yield return SafetensorsCase.Of("frame-data-cut", false, One, 7);
        yield return SafetensorsCase.Of("frame-data-missing", false, One, 0);
        yield return SafetensorsCase.Of("frame-trailing-byte", false, One, 9);
        yield return SafetensorsCase.Of("frame-trailing-page", false, One, 8 + 4096);
        yield return SafetensorsCase.Of("frame-data-without-tensor", false, "{}", 1);
    }

    private static IEnumerable<SafetensorsCase> Json()
    {
        yield return SafetensorsCase.Of("json-bad-utf8-name", false, [.. "{\""u8, 0xff, 0xfe, .. "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"u8], 8);
        yield return SafetensorsCase.Of("json-bad-utf8-metadata", false, [.. "{\"__metadata__\":{\"k\":\""u8, 0xc3, .. "\"}}"u8]);
        yield return SafetensorsCase.Of("json-bad-utf8-unknown-field", false, [.. "{\"a\":{\"x\":\""u8, 0x80, .. "\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"u8], 8);
        yield return SafetensorsCase.Of("json-overlong-utf8", false, [.. "{\""u8, 0xc0, 0xaf, .. "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"u8], 8);
        yield return SafetensorsCase.Of("json-utf8-surrogate", false, [.. "{\""u8, 0xed, 0xa0, 0x80, .. "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"u8], 8);
        yield return SafetensorsCase.Of("json-bom", false, [0xef, 0xbb, 0xbf, .. "{}"u8]);
        yield return SafetensorsCase.Of("json-utf16", false, System.Text.Encoding.Unicode.GetBytes("{}"));
        yield return SafetensorsCase.Of("json-padding-nul", false, [.. "{}"u8, 0, 0]);
        yield return SafetensorsCase.Of("json-all-nul", false, new byte[16]);
        yield return Reject("json-lone-surrogate-escape", """{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
        yield return Reject("json-truncated-object", One[..^1]);
        yield return Reject("json-truncated-string", One[..20]);
        yield return Reject("json-only-brace", "{", 0);
        yield return Reject("json-white-space-only", "    ", 0);
        yield return Reject("json-root-array", "[]", 0);
        yield return Reject("json-root-null", "null", 0);
        yield return Reject("json-root-string", "\"a\"", 0);
        yield return Reject("json-root-number", "12", 0);
        yield return Reject("json-root-true", "true", 0);
        yield return Reject("json-trailing-text", One + "x");
        yield return Reject("json-trailing-object", One + "{}");
        yield return Reject("json-trailing-comma", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},}");
        yield return Reject("json-trailing-comma-in-shape", Shape("[2,]"));
        yield return Reject("json-line-comment", "//c\n" + One);
        yield return Reject("json-block-comment", "{/*c*/" + One[1..]);
        yield return Reject("json-comment-after", One + "//c");
        yield return Reject("json-single-quotes", "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}");
        yield return Reject("json-unquoted-key", "{a:{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}");
        yield return Reject("json-nan-literal", Shape("[NaN]"));
        yield return Reject("json-raw-control-in-name", "{\"a\nb\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}");
        yield return Reject("json-bad-escape", """{"\x41":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
        yield return Reject("json-deep-array", $$$"""{"a":{{{new string('[', 2000)}}}{{{new string(']', 2000)}}}}""");
        yield return Reject("json-deep-unknown-field", Tensor($"\"x\":{new string('[', 2000)}{new string(']', 2000)},\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]"));
        yield return Reject("json-deep-unclosed", new string('[', 5000), 0);
    }

    private static IEnumerable<SafetensorsCase> Metadata()
    {
        yield return Reject("metadata-number", """{"__metadata__":{"format":1}}""", 0);
        yield return Reject("metadata-null-value", """{"__metadata__":{"format":null}}""", 0);
        yield return Reject("metadata-nested", """{"__metadata__":{"format":{"a":"b"}}}""", 0);
        yield return Reject("metadata-list-value", """{"__metadata__":{"format":["pt"]}}""", 0);
        yield return Reject("metadata-is-list", """{"__metadata__":["format","pt"]}""", 0);
        yield return Reject("metadata-is-string", """{"__metadata__":"pt"}""", 0);
        yield return Reject("metadata-is-tensor", """{"__metadata__":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
        yield return Reject("metadata-duplicate-key", """{"__metadata__":{"format":"pt","format":"np"}}""", 0);
        yield return Reject("metadata-duplicate-key-escaped", """{"__metadata__":{"format":"pt","\u0066ormat":"np"}}""", 0);
        yield return Reject("metadata-twice", """{"__metadata__":{"format":"pt"},"__metadata__":{"format":"pt"}}""", 0);
    }

    private static IEnumerable<SafetensorsCase> Fields()
    {
        yield return Reject("tensor-array", """{"a":["F32",[2],[0,8]]}""");
        yield return Reject("tensor-null", """{"a":null}""", 0);
        yield return Reject("tensor-string", """{"a":"F32"}""", 0);
        yield return Reject("tensor-number", """{"a":8}""", 0);
        yield return Reject("tensor-empty-object", """{"a":{}}""", 0);
        yield return Reject("dtype-unknown", Shape("[2]", dtype: "F33"));
        yield return Reject("dtype-lower-case", Shape("[2]", dtype: "f32"));
        yield return Reject("dtype-torch-name", Shape("[2]", dtype: "float32"));
        yield return Reject("dtype-padded", Shape("[2]", dtype: "F32 "));
        yield return Reject("dtype-empty", Shape("[2]", dtype: ""));
        yield return Reject("dtype-missing", Tensor("\"shape\":[2],\"data_offsets\":[0,8]"));
        yield return Reject("dtype-null", Tensor("\"dtype\":null,\"shape\":[2],\"data_offsets\":[0,8]"));
        yield return Reject("dtype-number", Tensor("\"dtype\":32,\"shape\":[2],\"data_offsets\":[0,8]"));
        yield return Reject("dtype-twice", Tensor("\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]"));
        yield return Reject("shape-missing", Tensor("\"dtype\":\"F32\",\"data_offsets\":[0,8]"));
        yield return Reject("offsets-missing", Tensor("\"dtype\":\"F32\",\"shape\":[2]"));
        yield return Reject("shape-twice", Tensor("\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]"));
        yield return Reject("offsets-twice", Tensor("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"data_offsets\":[0,8]"));
        yield return Reject("dtype-half-byte-odd", Shape("[3]", "0,2", "F4"), 2);
    }

    private static IEnumerable<SafetensorsCase> Shapes()
    {
        yield return Reject("shape-negative", Shape("[-2]"));
        yield return Reject("shape-two-negatives", Shape("[-1,-2]"));
        yield return Reject("shape-minus-zero", Shape("[-0]", "0,0"), 0);
        yield return Reject("shape-float", Shape("[2.0]"));
        yield return Reject("shape-fraction", Shape("[2.5]"));
        yield return Reject("shape-exponent", Shape("[2e0]"));
        yield return Reject("shape-string", Shape("[\"2\"]"));
        yield return Reject("shape-null-entry", Shape("[null]"));
        yield return Reject("shape-true", Shape("[true]"));
        yield return Reject("shape-nested", Shape("[[2]]"));
        yield return Reject("shape-null", Shape("null"));
        yield return Reject("shape-number", Shape("2"));
        yield return Reject("shape-object", Shape("{\"0\":2}"));
        yield return Reject("shape-leading-zero", Shape("[02]"));
        yield return Reject("shape-too-large", Shape("[3]"));
        yield return Reject("shape-too-small", Shape("[1]"));
        yield return Reject("shape-over-uint64", Shape("[18446744073709551616]"));
        yield return Reject("shape-uint64-max", Shape("[18446744073709551615]"));
        yield return Reject("shape-int64-max", Shape("[9223372036854775807]"));
        yield return Reject("shape-product-wraps-to-size", Shape("[4611686018427387905,2]"));
        yield return Reject("shape-bytes-wrap-to-size", Shape("[4611686018427387906]"));
        yield return Reject("shape-product-wraps-to-zero", Shape("[4294967296,4294967296]", "0,0"), 0);
        yield return Reject("shape-overflow-before-zero", Shape("[4294967296,4294967296,0]", "0,0"), 0);
        yield return Reject("shape-rank-nine", Shape("[1,1,1,1,1,1,1,1,2]"));
        yield return Reject("shape-rank-thousand", Shape($"[{string.Join(',', Enumerable.Repeat("1", 1000))}]", "0,4"), 4);
    }

    private static IEnumerable<SafetensorsCase> Offsets()
    {
        yield return Reject("offsets-reversed", Shape("[2]", "8,0"));
        yield return Reject("offsets-past-end", Shape("[2]", "8,16"));
        yield return Reject("offsets-end-past-end", Shape("[4]", "0,16"));
        yield return Reject("offsets-one", Shape("[2]", "8"));
        yield return Reject("offsets-three", Shape("[2]", "0,8,8"));
        yield return Reject("offsets-none", Shape("[2]", ""));
        yield return Reject("offsets-negative", Shape("[2]", "-8,0"));
        yield return Reject("offsets-float", Shape("[2]", "0.0,8.0"));
        yield return Reject("offsets-string", Shape("[2]", "\"0\",\"8\""));
        yield return Reject("offsets-null", Tensor("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":null"));
        yield return Reject("offsets-object", Tensor("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":{\"begin\":0,\"end\":8}"));
        yield return Reject("offsets-uint64-max", Shape("[2]", "0,18446744073709551615"));
        yield return Reject("offsets-wrap", Shape("[2]", "18446744073709551608,0"));
        yield return Reject("offsets-size-differs", Shape("[2]", "0,4"), 4);
        yield return Reject("offsets-first-hole", Shape("[1]", "4,8"));
        yield return Reject("offsets-hole", Two("0,4", "5,9"), 9);
        yield return Reject("offsets-overlap", Two("0,4", "3,7"), 7);
        yield return Reject("offsets-same-place", Two("0,4", "0,4"), 4);
        yield return Reject("offsets-empty-in-the-middle", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}""", 4);
        yield return Reject("offsets-empty-past-end", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[9,9]}}""", 4);
        yield return Reject("offsets-scalar-no-bytes", Shape("[]", "0,0"), 0);
    }

    private static IEnumerable<SafetensorsCase> Names()
    {
        yield return Reject("name-twice", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""");
        yield return Reject("name-twice-identical", """{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""");
        yield return Reject("name-twice-escaped", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\u0061":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""");
        yield return Reject("name-empty", """{"":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
        yield return Reject("name-nul", """{"a\u0000b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
        yield return Reject("name-over-64k", $$$"""{"{{{new string('n', 65_537)}}}":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
        yield return Reject("name-over-64k-multibyte", $$$"""{"{{{new string('ä', 32_769)}}}":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
    }

    private static IEnumerable<SafetensorsCase> Accepted()
    {
        yield return Accept("accept-one", One);
        yield return Accept("accept-empty-header", "{}", 0);
        yield return Accept("accept-metadata-only", """{"__metadata__":{"format":"pt"}}""", 0);
        yield return Accept("accept-metadata-null", """{"__metadata__":null}""", 0);
        yield return Accept("accept-metadata-empty", """{"__metadata__":{}}""", 0);
        yield return Accept("accept-space-padding", One + "      ");
        yield return Accept("accept-white-space-padding", One + " \n\r\t");
        yield return Accept("accept-white-space-within", One.Replace(":", " :\n\t", StringComparison.Ordinal));
        yield return Accept("accept-scalar", Shape("[]", "0,4"), 4);
        yield return Accept("accept-zero-size", Shape("[0]", "0,0"), 0);
        yield return Accept("accept-zero-size-matrix", Shape("[0,4096]", "0,0"), 0);
        yield return Accept("accept-zero-size-between", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"z":{"dtype":"F32","shape":[2,0],"data_offsets":[4,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""");
        yield return Accept("accept-any-order", Two("4,8", "0,4"));
        yield return Accept("accept-misaligned", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F64","shape":[1],"data_offsets":[1,9]}}""", 9);
        yield return Accept("accept-misaligned-header", One + "   ");
        yield return Accept("accept-fields-in-any-order", Tensor("\"data_offsets\":[0,8],\"shape\":[2],\"dtype\":\"F32\""));
        yield return Accept("accept-unknown-field", Tensor("\"note\":{\"x\":[1,2,{}]},\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]"));
        yield return Accept("accept-escaped-keys", """{"a":{"\u0064type":"F32","shape":[2],"data_offsets":[0,8]}}""");
        yield return Accept("accept-rank-eight", Shape("[1,1,1,1,1,1,1,2]"));
        yield return Accept("accept-name-path", One.Replace("\"a\"", "\"../../etc/passwd\"", StringComparison.Ordinal));
        yield return Accept("accept-name-html", One.Replace("\"a\"", "\"<img src=x onerror=alert(1)>\"", StringComparison.Ordinal));
        yield return Accept("accept-name-unicode", One.Replace("\"a\"", "\"Gewicht ä 重み 🦙\"", StringComparison.Ordinal));
        yield return Accept("accept-name-surrogate-pair", """{"\ud83e\udd99":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
        yield return Accept("accept-name-64k", $$$"""{"{{{new string('n', 65_536)}}}":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
        yield return SafetensorsCase.Raw("accept-nan-and-infinity", true, (ulong)One.Length, [.. System.Text.Encoding.UTF8.GetBytes(One), 0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0xff]);
        foreach (var (dtype, bytes) in new[] { ("BOOL", 8), ("U8", 8), ("I8", 8), ("F8_E5M2", 8), ("F8_E4M3", 8), ("I16", 16), ("U16", 16), ("F16", 16), ("BF16", 16), ("I32", 32), ("U32", 32), ("F64", 64), ("I64", 64), ("U64", 64), ("C64", 64) })
            yield return Accept($"accept-dtype-{dtype.ToLowerInvariant().Replace('_', '-')}", Shape("[8]", $"0,{bytes}", dtype), bytes);
        yield return Accept("accept-dtype-f4", Shape("[3,2]", "0,3", "F4"), 3);
    }
}
