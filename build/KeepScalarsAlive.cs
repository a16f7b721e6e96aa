using System;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using Mono.Cecil;
using Mono.Cecil.Cil;

/// <summary>
/// Copies TorchSharp.dll and makes every method that passes a Scalar's handle to native code keep that Scalar alive until it returns. As shipped, the
/// last use of a temporary Scalar (also the alpha of a plain <c>a.add(b)</c>) is reading its handle: a garbage collection on another thread may then
/// finalize it while libtorch still reads it, and the operation fails an internal assertion or computes with what is there by then.
/// </summary>
public sealed class KeepScalarsAlive : Task
{
    [Required] public string Source { get; set; } = "";

    [Required] public string Destination { get; set; } = "";

    public override bool Execute()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Destination)!);
        string temporary = Destination + "." + Guid.NewGuid().ToString("N");
        int woven = 0;
        using (AssemblyDefinition assembly = AssemblyDefinition.ReadAssembly(Source))
        {
            ModuleDefinition module = assembly.MainModule;
            TypeDefinition scalar = module.GetType("TorchSharp.Scalar");
            MethodDefinition getHandle = scalar.Properties.Single(property => property.Name == "Handle").GetMethod;
            MethodReference keepAlive = new("KeepAlive", module.TypeSystem.Void, new TypeReference("System", "GC", module, module.TypeSystem.CoreLibrary));
            keepAlive.Parameters.Add(new(module.TypeSystem.Object));
            foreach (MethodDefinition method in module.GetTypes().SelectMany(type => type.Methods))
                if (method.HasBody && Weave(method, scalar, getHandle, keepAlive)) woven++;
            assembly.Write(temporary);
        }
        if (woven == 0) throw new InvalidOperationException($"No method of {Source} uses a Scalar's handle; was its layout changed?");
        if (File.Exists(Destination)) File.Delete(Destination);
        File.Move(temporary, Destination);
        Log.LogMessage(MessageImportance.Normal, "{0}: {1} methods keep their scalars alive", Destination, woven);
        return true;
    }

    // scalar.Handle becomes (kept = scalar).Handle, and every return is preceded by GC.KeepAlive(kept).
    private static bool Weave(MethodDefinition method, TypeDefinition scalar, MethodDefinition getHandle, MethodReference keepAlive)
    {
        MethodBody body = method.Body;
        Instruction[] reads = [.. body.Instructions.Where(instruction => instruction.Operand == getHandle)];
        if (reads.Length == 0) return false;
        foreach (Instruction branch in body.Instructions.Where(instruction => instruction.OpCode.OperandType == OperandType.ShortInlineBrTarget))
            branch.OpCode = LongForm(branch.OpCode);
        body.InitLocals = true;
        ILProcessor il = body.GetILProcessor();
        VariableDefinition[] kept = [.. reads.Select(_ => new VariableDefinition(scalar))];
        for (int i = 0; i < reads.Length; i++)
        {
            body.Variables.Add(kept[i]);
            // Changed in place, so that branches to the old instruction run the new ones.
            Instruction read = reads[i], call = il.Create(read.OpCode, getHandle);
            (read.OpCode, read.Operand) = (OpCodes.Dup, null);
            Instruction store = il.Create(OpCodes.Stloc, kept[i]);
            il.InsertAfter(read, store);
            il.InsertAfter(store, call);
        }
        foreach (Instruction end in body.Instructions.Where(instruction => instruction.OpCode == OpCodes.Ret).ToArray())
        {
            Instruction last = end;
            (last.OpCode, last.Operand) = (OpCodes.Nop, null);
            foreach (VariableDefinition variable in kept)
            {
                Append(il.Create(OpCodes.Ldloc, variable));
                Append(il.Create(OpCodes.Call, keepAlive));
            }
            Append(il.Create(OpCodes.Ret));

            void Append(Instruction next)
            {
                il.InsertAfter(last, next);
                last = next;
            }
        }
        return true;
    }

    // The method grows, so a jump may no longer fit a signed byte.
    private static OpCode LongForm(OpCode code) =>
        typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!).Single(other => other.Name == code.Name.Replace(".s", ""));
}
