/* A plugin of qemu's user-mode emulator that counts executed instructions.
 *
 *   qemu-aarch64 -plugin arm64_instructions.so,counter=FILE PROGRAM
 *
 * FILE holds eight bytes, the count as an unsigned integer of this machine's byte order. They are mapped, so that another
 * process reads the count while the program runs. The count is exact for a program of one thread.
 *
 * The declarations are those of version 1 of qemu's plugin interface (include/qemu/qemu-plugin.h; qemu 4.2 to 8.2).
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct qemu_plugin_tb; /* a run of instructions that is translated at once, and left at its end only */
typedef void (*translated_t)(uint64_t id, struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translated_t callback);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, enum qemu_plugin_op operation,
                                              void *at, uint64_t amount);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static uint64_t *counter;

static void count_block(uint64_t id, struct qemu_plugin_tb *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, counter,
                                           qemu_plugin_tb_n_insns(block));
}

__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t id, const void *info, int argc,
                                                               char **argv) {
  (void)info;
  const char *name = "counter=";
  if (argc != 1 || strncmp(argv[0], name, strlen(name)) != 0) {
    fprintf(stderr, "the plugin needs counter=FILE\n");
    return 1;
  }
  int file = open(argv[0] + strlen(name), O_RDWR | O_CLOEXEC);
  counter = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (counter == MAP_FAILED) {
    perror(argv[0]);
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
  return 0;
}
