/* Preloaded into a process, hides from it every vector extension beyond AVX2 that its CPU has.
 *
 * Libraries choose their kernels by the CPUID instruction. Linux lets a thread make that instruction fault
 * (arch_prctl, ARCH_SET_CPUID), where the CPU can; new threads and forks inherit it. The handler here answers in its
 * place: it asks the CPU and clears the bits below. Nothing is emulated: hidden instructions would still run.
 *
 * Bits: Intel's Software Developer's Manual, volume 2A, CPUID, leaf 7.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define BIT(n) (1u << (n))
#define CPUID_BYTES 2 /* 0F A2 */

/* AVX-512 F, DQ, IFMA, PF, ER, CD, BW, VL */
static const unsigned HIDDEN_7_0_EBX =
    BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31);
/* AVX-512 VBMI, VBMI2, GFNI, VAES, VPCLMULQDQ, AVX-512 VNNI, BITALG, VPOPCNTDQ */
static const unsigned HIDDEN_7_0_ECX =
    BIT(1) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12) | BIT(14);
/* AVX-512 4VNNIW, 4FMAPS, VP2INTERSECT, AMX-BF16, AVX-512 FP16, AMX-TILE, AMX-INT8 */
static const unsigned HIDDEN_7_0_EDX =
    BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25);
/* AVX-VNNI, AVX-512 BF16, AMX-FP16, AVX-IFMA */
static const unsigned HIDDEN_7_1_EAX = BIT(4) | BIT(5) | BIT(21) | BIT(23);
/* AVX-VNNI-INT8, AVX-NE-CONVERT, AMX-COMPLEX, AVX-VNNI-INT16, AVX10 */
static const unsigned HIDDEN_7_1_EDX = BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19);

static struct sigaction previous;

static void execute_cpuid(unsigned leaf, unsigned subleaf, unsigned found[4]) {
  __asm__ volatile("cpuid"
                   : "=a"(found[0]), "=b"(found[1]), "=c"(found[2]), "=d"(found[3])
                   : "a"(leaf), "c"(subleaf));
}

static long let_cpuid_run(int allowed) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, (long)allowed); }

static void answer_cpuid(int signal, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *at = (const unsigned char *)registers[REG_RIP];
  /* A fault of protection carries SI_KERNEL; only then is the instruction itself readable for certain. */
  if (info->si_code != SI_KERNEL || at[0] != 0x0F || at[1] != 0xA2) {
    sigaction(signal, &previous, NULL); /* the faulting instruction runs again and meets the previous action */
    return;
  }
  unsigned leaf = (unsigned)registers[REG_RAX], subleaf = (unsigned)registers[REG_RCX], found[4];
  let_cpuid_run(1);
  execute_cpuid(leaf, subleaf, found);
  let_cpuid_run(0);
  if (leaf == 7 && subleaf == 0) {
    found[1] &= ~HIDDEN_7_0_EBX;
    found[2] &= ~HIDDEN_7_0_ECX;
    found[3] &= ~HIDDEN_7_0_EDX;
  } else if (leaf == 7 && subleaf == 1) {
    found[0] &= ~HIDDEN_7_1_EAX;
    found[3] &= ~HIDDEN_7_1_EDX;
  }
  registers[REG_RAX] = found[0];
  registers[REG_RBX] = found[1];
  registers[REG_RCX] = found[2];
  registers[REG_RDX] = found[3];
  registers[REG_RIP] += CPUID_BYTES;
}

/* What any code of this process sees: found gets EAX, EBX, ECX, EDX. */
void edgekit_cpuid(unsigned leaf, unsigned subleaf, unsigned found[4]) { execute_cpuid(leaf, subleaf, found); }

__attribute__((constructor)) static void begin(void) {
  struct sigaction action = {.sa_sigaction = answer_cpuid, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGSEGV, &action, &previous) != 0 || let_cpuid_run(0) != 0) {
    fputs("This system does not let CPUID fault, so nothing can be hidden.\n", stderr);
    _exit(1);
  }
}
