/* Runs a fuzz target over the files named or found in the folders named on the
 * command line, so that a corpus is an ordinary test. Fails if there are none. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    long size;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    rewind(file);
    bytes = malloc(size > 0 ? (size_t)size : 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size)
        exit(1);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, (size_t)size);
    free(bytes);
    return 1;
}

int main(int argc, char **argv)
{
    int replayed = 0;

    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            DIR *folder = opendir(argv[i]);
            struct dirent *entry;
            while (folder != NULL && (entry = readdir(folder)) != NULL) {
                char path[4096];
                if (entry->d_name[0] == '.')
                    continue;
                snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
                replayed += replay(path);
            }
            if (folder != NULL)
                closedir(folder);
        } else {
            replayed += replay(argv[i]);
        }
    }
    printf("%d inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
