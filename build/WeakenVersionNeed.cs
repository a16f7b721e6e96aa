using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Copies a 64-bit little-endian ELF library and marks one entry of its version-needs table (SHT_GNU_verneed, see the Linux Standard Base,
/// "Symbol Versioning") weak: a loader whose libraries lack that version then goes on instead of refusing the file.
/// </summary>
public sealed class WeakenVersionNeed : Task
{
    private const uint SectionTypeVersionNeeds = 0x6ffffffe;
    private const ushort VersionFlagWeak = 2;

    [Required] public string Source { get; set; } = "";

    [Required] public string Destination { get; set; } = "";

    [Required] public string VersionName { get; set; } = "";

    public override bool Execute()
    {
        byte[] image = File.ReadAllBytes(Source);
        int weakened = Weaken(image);
        Directory.CreateDirectory(Path.GetDirectoryName(Destination)!);
        string temporary = Destination + "." + Guid.NewGuid().ToString("N");
        File.WriteAllBytes(temporary, image);
        if (File.Exists(Destination)) File.Delete(Destination);
        File.Move(temporary, Destination);
        Log.LogMessage(MessageImportance.Normal, "{0}: {1} need(s) of {2} marked weak", Destination, weakened, VersionName);
        return true;
    }

    private int Weaken(byte[] image)
    {
        long sectionTable = (long)BitConverter.ToUInt64(image, 0x28);
        int sectionSize = BitConverter.ToUInt16(image, 0x3A), sectionCount = BitConverter.ToUInt16(image, 0x3C);
        int weakened = 0;
        for (int i = 0; i < sectionCount; i++)
        {
            int section = (int)sectionTable + i * sectionSize;
            if (BitConverter.ToUInt32(image, section + 4) != SectionTypeVersionNeeds) continue;
            int strings = (int)sectionTable + (int)BitConverter.ToUInt32(image, section + 0x28) * sectionSize;
            weakened += WeakenSection(image, (int)BitConverter.ToUInt64(image, section + 0x18), (int)BitConverter.ToUInt64(image, strings + 0x18));
        }
        return weakened;
    }

    private int WeakenSection(byte[] image, int need, int strings)
    {
        int weakened = 0;
        while (true)
        {
            int entry = need + (int)BitConverter.ToUInt32(image, need + 8);
            for (int left = BitConverter.ToUInt16(image, need + 2); left > 0; left--)
            {
                if (Text(image, strings + (int)BitConverter.ToUInt32(image, entry + 8)) == VersionName)
                {
                    image[entry + 4] |= (byte)VersionFlagWeak;
                    weakened++;
                }
                entry += (int)BitConverter.ToUInt32(image, entry + 12);
            }
            uint next = BitConverter.ToUInt32(image, need + 12);
            if (next == 0) return weakened;
            need += (int)next;
        }
    }

    private static string Text(byte[] image, int start) => Encoding.ASCII.GetString(image, start, Array.IndexOf(image, (byte)0, start) - start);
}
