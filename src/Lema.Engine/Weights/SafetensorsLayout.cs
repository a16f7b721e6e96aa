using Lema.Engine.Errors;

namespace Lema.Engine.Weights;

/// <summary>The rule that tensors fill the data section of a .safetensors file exactly: no hole, no overlap, nothing after the last.</summary>
internal static class SafetensorsLayout
{
    public static void Check(string file, IReadOnlyList<SafetensorsTensor> tensors, long dataBytes)
    {
        SafetensorsTensor[] ordered = [.. tensors];
        Array.Sort(ordered, (a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long end = 0;
        foreach (SafetensorsTensor tensor in ordered)
        {
            string place = $"tensor {Quoted.Name(tensor.Name)}";
            if (tensor.Begin > end)
                throw new InvalidInputException(file, place, $"leaves a hole: the data before it ends at byte {end}, it begins at {tensor.Begin}");
            if (tensor.Begin < end)
                throw new InvalidInputException(file, place, $"overlaps the tensor before it: that one ends at byte {end}, it begins at {tensor.Begin}");
            if (tensor.End > dataBytes)
                throw new InvalidInputException(file, place, $"ends at byte {tensor.End} of the data, which has {dataBytes}; the file is cut short or its header is wrong");
            end = tensor.End;
        }
        if (end != dataBytes)
            throw new InvalidInputException(file, $"byte {end} of the data", $"{dataBytes - end} bytes follow the last tensor");
    }
}
