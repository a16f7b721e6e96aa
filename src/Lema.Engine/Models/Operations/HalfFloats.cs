using System.Numerics;
using System.Runtime.CompilerServices;

namespace Lema.Engine.Models.Operations;

/// <summary>Loads and stores of the types that are computed in on the host, as float32. A bfloat16 is the upper half of a float.</summary>
internal static unsafe class HalfFloats
{
    /// <summary>Elements that <see cref="Load"/> and <see cref="Store"/> move.</summary>
    public static int Lanes => 2 * Vector<float>.Count;

    /// <summary>Two vectors of neighbouring values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<float> Low, Vector<float> High) Load<T>(T* source) where T : unmanaged
    {
        if (typeof(T) == typeof(float)) return (Vector.Load((float*)source), Vector.Load((float*)source + Vector<float>.Count));
        Vector.Widen(Vector.Load((ushort*)source), out Vector<uint> low, out Vector<uint> high);
        return (Vector.AsVectorSingle(low << 16), Vector.AsVectorSingle(high << 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(Vector<float> low, Vector<float> high, T* target) where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            low.Store((float*)target);
            high.Store((float*)target + Vector<float>.Count);
        }
        else
        {
            Vector.Narrow(UpperHalf(low) >> 16, UpperHalf(high) >> 16).Store((ushort*)target);
        }
    }

    /// <summary>Values as they are once they were stored in the type: rounded to nearest even.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Rounded<T>(Vector<float> values) where T : unmanaged =>
        typeof(T) == typeof(float) ? values : Vector.AsVectorSingle(UpperHalf(values) & new Vector<uint>(0xFFFF0000));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToFloat<T>(T value) where T : unmanaged =>
        typeof(T) == typeof(float) ? Unsafe.BitCast<T, float>(value) : BitConverter.UInt32BitsToSingle((uint)Unsafe.BitCast<T, ushort>(value) << 16);

    /// <summary>Rounded to nearest even; what is not a number stays so.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T FromFloat<T>(float value) where T : unmanaged
    {
        if (typeof(T) == typeof(float)) return Unsafe.BitCast<float, T>(value);
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return Unsafe.BitCast<ushort, T>(float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }

    /// <summary>The rounded upper half of each value, in the upper half of its lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> UpperHalf(Vector<float> values)
    {
        Vector<uint> bits = Vector.AsVectorUInt32(values), rounded = bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One);
        return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(values, values)), rounded, new Vector<uint>(0x7FC00000));
    }
}
